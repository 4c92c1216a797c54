//! One image at a time, told of at a pace that a person can read, until it is made or no longer wanted.

use igloo_protocol::{BuilderId, Code, ImageStep, Problem};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// The least time between two steps that are told: Nix says more than anyone reads.
const PACE: Duration = Duration::from_millis(100);

/// Whose turn it is.
#[derive(Debug, Default)]
pub struct Turn(Mutex<Option<Taken>>);

#[derive(Debug)]
struct Taken {
    builder: BuilderId,
    stop: Arc<Notify>,
}

/// Gives the turn back when it is dropped.
struct Held<'t>(&'t Turn);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

impl Turn {
    /// Does some work unless another is under way. Of the steps that it sends, `tell` is handed the newest at a time.
    /// Work that is stopped is dropped.
    ///
    /// # Errors
    /// [`Code::WrongPhase`] while another image is made, [`Code::Cancelled`] after [`Turn::stop`], and the work's own.
    pub async fn run<T>(
        &self,
        builder: BuilderId,
        work: impl Future<Output = Result<T, Problem>>,
        steps: watch::Receiver<Option<ImageStep>>,
        tell: impl Fn(ImageStep),
    ) -> Result<T, Problem> {
        let stop = self.take(builder)?;
        let _held = Held(self);
        tokio::select! {
            made = work => made,
            () = stop.notified() => Err(stopped()),
            never = pace(steps, tell) => match never {},
        }
    }

    /// Ends the work that is under way, if any is.
    pub fn stop(&self) {
        if let Some(taken) = &*self.lock() {
            taken.stop.notify_one();
        }
    }

    fn take(&self, builder: BuilderId) -> Result<Arc<Notify>, Problem> {
        let mut taken = self.lock();
        if let Some(taken) = &*taken {
            return Err(busy(taken.builder));
        }
        let stop = Arc::new(Notify::new());
        *taken = Some(Taken { builder, stop: stop.clone() });
        Ok(stop)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the newest step, then waits a little.
async fn pace(
    mut steps: watch::Receiver<Option<ImageStep>>,
    tell: impl Fn(ImageStep),
) -> std::convert::Infallible {
    while steps.changed().await.is_ok() {
        let newest = steps.borrow_and_update().clone();
        if let Some(step) = newest {
            tell(step);
        }
        tokio::time::sleep(PACE).await;
    }
    std::future::pending().await
}

fn busy(builder: BuilderId) -> Problem {
    Problem::new(
        Code::WrongPhase,
        format!("an image is being made already, for the builder {builder}"),
        "wait until it is there, then try again",
    )
}

fn stopped() -> Problem {
    Problem::new(Code::Cancelled, "the image was cancelled before it was whole", "get it again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use igloo_protocol::NixView;
    use std::{
        future::pending,
        sync::atomic::{AtomicBool, Ordering},
    };

    const ID: BuilderId = BuilderId::Aarch64;

    fn at(now: &str) -> ImageStep {
        ImageStep::Nix(NixView { now: Some(now.into()), ..NixView::default() })
    }

    /// Says when it is dropped.
    struct Dropped<'d>(&'d AtomicBool);

    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    async fn run<T>(
        turn: &Turn,
        id: BuilderId,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        turn.run(id, work, watch::channel(None).1, |_| {}).await
    }

    #[tokio::test]
    async fn a_second_one_is_refused_while_the_first_goes_on_and_taken_after_it() {
        let turn = Turn::default();
        let (done, over) = tokio::sync::oneshot::channel();
        let first = run(&turn, ID, async { Ok(over.await) });
        let second = async {
            let refused = run(&turn, BuilderId::X86_64, async { Ok(()) }).await.unwrap_err();
            assert_eq!(refused.code, Code::WrongPhase);
            assert!(refused.message.ends_with("for the builder aarch64"), "{refused}");
            done.send(7).unwrap();
        };
        let (first, ()) = tokio::join!(first, second);
        assert_eq!(first.unwrap(), Ok(7));
        run(&turn, BuilderId::X86_64, async { Ok(()) }).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_stopped_is_dropped_and_leaves_the_turn() {
        let (turn, dropped) = (Turn::default(), AtomicBool::new(false));
        // nothing is under way: the next one is not stopped by it
        turn.stop();
        let work = run(&turn, ID, async {
            let _work = Dropped(&dropped);
            pending::<Result<(), Problem>>().await
        });
        let (ended, ()) = tokio::join!(work, async {
            tokio::task::yield_now().await;
            assert!(!dropped.load(Ordering::SeqCst));
            turn.stop();
        });
        assert_eq!(ended.unwrap_err().code, Code::Cancelled);
        assert!(dropped.load(Ordering::SeqCst));
        run(&turn, ID, async { Ok(()) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_failure_leaves_the_turn_and_is_told_as_it_is() {
        let turn = Turn::default();
        let problem = Problem::new(Code::ImageFailed, "m", "r");
        let failed = run::<()>(&turn, ID, async { Err(problem.clone()) }).await;
        assert_eq!(failed.unwrap_err(), problem);
        run(&turn, ID, async { Ok(()) }).await.unwrap();
    }

    #[tokio::test]
    async fn of_many_steps_the_last_is_told_and_not_each() {
        let (turn, told) = (Turn::default(), Mutex::new(vec![]));
        let (sender, steps) = watch::channel(None);
        let work = async {
            for i in 0..1000 {
                sender.send_replace(Some(at(&i.to_string())));
                if i == 0 {
                    tokio::task::yield_now().await;
                }
            }
            tokio::time::sleep(3 * PACE).await;
            sender.send_replace(Some(ImageStep::Store));
            tokio::time::sleep(3 * PACE).await;
            Ok(())
        };
        turn.run(ID, work, steps, |step| told.lock().unwrap().push(step)).await.unwrap();
        let told = told.into_inner().unwrap();
        assert_eq!(told.last(), Some(&ImageStep::Store));
        assert!(told.contains(&at("999")), "{told:?}");
        assert!(told.len() <= 3, "{told:?}");
    }
}
