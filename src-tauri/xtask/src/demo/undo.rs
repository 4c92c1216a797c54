//! What is to be undone, in reverse order, whatever happens.

use crate::run;
use anyhow::{Result, bail};

type Step = Box<dyn FnOnce() -> Result<()>>;

/// Steps that undo what was done. Dropping it takes the steps that were not taken yet.
#[derive(Default)]
pub struct Undo(Vec<(&'static str, Step)>);

impl Undo {
    /// Undo this too, before all that was pushed earlier. Push before doing, where half of it may
    /// have been done when it fails.
    pub fn push(&mut self, what: &'static str, step: impl FnOnce() -> Result<()> + 'static) {
        self.0.push((what, Box::new(step)));
    }

    /// Take all steps; one that fails does not keep the others from being taken.
    pub fn run(&mut self) -> Result<()> {
        run::forget_interrupt();
        let mut failed = Vec::new();
        while let Some((what, step)) = self.0.pop() {
            println!("undo: {what}");
            if let Err(error) = step() {
                eprintln!("undo: {what} failed: {error:#}");
                failed.push(what);
            }
        }
        if !failed.is_empty() {
            bail!("not undone: {}", failed.join(", "));
        }
        Ok(())
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            // each failure has been printed
            let _ = self.run();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::RefCell, rc::Rc};

    #[test]
    fn the_last_is_undone_first_and_a_failure_stops_nothing() {
        let order = Rc::new(RefCell::new(Vec::new()));
        let mut undo = Undo::default();
        for (name, fails) in [("first", false), ("second", true), ("third", false)] {
            let order = order.clone();
            undo.push(name, move || {
                order.borrow_mut().push(name);
                if fails { bail!("no") } else { Ok(()) }
            });
        }
        assert_eq!(undo.run().unwrap_err().to_string(), "not undone: second");
        drop(undo);
        assert_eq!(*order.borrow(), ["third", "second", "first"]);
    }

    #[test]
    fn dropping_it_undoes() {
        let count = Rc::new(RefCell::new(0));
        let mut undo = Undo::default();
        let seen = count.clone();
        undo.push("it", move || {
            *seen.borrow_mut() += 1;
            Ok(())
        });
        drop(undo);
        assert_eq!(*count.borrow(), 1);
    }
}
