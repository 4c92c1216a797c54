//! Carries a plan out: all of it, or nothing.

use crate::daemon::{self, DaemonControl};
use crate::folder::{Folder, Found, Meta};
use crate::installation::Survey;
use crate::layout::{self, check_free};
use crate::planner::look;
use crate::problem::changed;
use crate::receipt::{State, parent};
use crate::root::{Root, file_mode, file_path, folder_mode, folder_path, place};
use crate::wire::sha256;
use crate::{fresh, keys, render, service, undo};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use igloo_protocol::plan::{
    Before, Change, ManagedFile, ManagedFolder, Operation, Outcome, Plan, Receipt, Report, Seen, StepReport,
    StepState,
};
use igloo_protocol::{Code, Problem};
use std::collections::HashMap;

/// Carries `plan` out under `root`. What fails is undone, so that the plan is done whole or not at all;
/// the report says which and why.
pub fn apply(root: &Root, plan: &Plan, daemon: &dyn DaemonControl) -> Report {
    let survey = Survey::of(root);
    match check_free(root, &survey, &plan.ops).and_then(|()| State::make(root)) {
        Err(problem) => Report::failed(problem),
        Ok(state) => match state.receipt() {
            Err(problem) => Report::failed(problem),
            Ok(receipt) => {
                let mut run = Run { root, survey, state, receipt, expected: HashMap::new() };
                let report = run.all(plan, daemon);
                run.end(report)
            }
        },
    }
}

struct Run<'a> {
    root: &'a Root,
    survey: Survey,
    state: State,
    receipt: Receipt,
    /// What must be in each file's place: what the plan saw, then what this run wrote.
    expected: HashMap<ManagedFile, Seen>,
}

impl Run<'_> {
    fn all(&mut self, plan: &Plan, daemon: &dyn DaemonControl) -> Report {
        if let Err(problem) = self.prepare(plan) {
            return Report::failed(problem);
        }
        let done_before = self.receipt.changes.len();
        let mut report = Report::new(Outcome::Unchanged);
        for op in &plan.ops {
            let result =
                if report.problem.is_some() { Ok(StepState::NotReached) } else { self.one(op, daemon) };
            (self.root.watch())("go on to the next operation");
            let (state, problem) = match result {
                Ok(state) => (state, None),
                Err(problem) => (StepState::Failed, Some(problem)),
            };
            if state == StepState::Done {
                report.outcome = Outcome::Applied;
            }
            report.problem = report.problem.or(problem.clone());
            report.steps.push(StepReport { what: render::describe(plan, op), state, problem });
        }
        if report.problem.is_some() {
            self.roll_back(plan, daemon, &mut report, done_before);
        }
        report
    }

    /// Sees that every file is as the plan saw it, before anything is touched.
    fn prepare(&mut self, plan: &Plan) -> Result<(), Problem> {
        for op in &plan.ops {
            for file in render::files(&self.survey, op) {
                let path = file_path(self.root.platform(), file);
                let seen = plan.seen(file).ok_or_else(|| {
                    let remedy = "Make a new plan with `igloo setup --plan`";
                    Problem::new(Code::Usage, format!("The plan does not say what it saw at {path}"), remedy)
                })?;
                if look(self.root, file)? != *seen {
                    return Err(changed(&path));
                }
                self.expected.insert(file, seen.clone());
            }
        }
        fresh::check(self.root, &self.survey, plan)?;
        undo::sweep(self.root)
    }

    fn one(&mut self, op: &Operation, daemon: &dyn DaemonControl) -> Result<StepState, Problem> {
        for folder in render::folders(op) {
            self.ensure_folder(*folder)?;
        }
        match op {
            Operation::RestartNixDaemon => daemon::restart(self.root, daemon),
            Operation::LinuxBuilderService(action) => {
                (self.root.watch())("stop, wipe or start the builder's service");
                service::run(self.root, *action, daemon)
            }
            Operation::BuilderKey => {
                let halves = keys::missing_halves(self.root, &self.open(ManagedFolder::Nix)?)?;
                self.write_all(halves)
            }
            Operation::SshHost(_) | Operation::Machine(_) | Operation::NixSetting(_) => {
                let mut texts = Vec::new();
                for file in render::files(&self.survey, op) {
                    let old = layout::text(self.root, file, layout::read(self.root, file)?.as_ref())?;
                    if let Some(new) = render::render(self.root, op, file, &old)? {
                        texts.push((file, new.into_bytes()));
                    }
                }
                self.write_all(texts)
            }
        }
    }

    fn write_all(&mut self, files: Vec<(ManagedFile, Vec<u8>)>) -> Result<StepState, Problem> {
        let mut state = StepState::Unchanged;
        for (file, bytes) in files {
            if self.write(file, &bytes)? {
                state = StepState::Done;
            }
        }
        Ok(state)
    }

    /// Writes a file; first the receipt. Says whether there was anything to write.
    fn write(&mut self, file: ManagedFile, bytes: &[u8]) -> Result<bool, Problem> {
        let (folder, name) = place(file);
        let folder = self.open(folder)?;
        let before = folder.read(&name)?;
        let seen = look(self.root, file)?;
        if self.expected.get(&file) != Some(&seen) {
            return Err(changed(&file_path(self.root.platform(), file)));
        }
        if before.as_ref().is_some_and(|f| f.bytes == bytes) {
            return Ok(false);
        }
        let after = sha256(bytes);
        self.receipt.changes.push(Change::File {
            file,
            before: record(before.as_ref()),
            after: after.clone(),
        });
        self.state.save(&self.receipt)?;
        let (uid, gid) = self.root.owner();
        let fresh = Meta { mode: file_mode(file), uid, gid, mtime: None };
        let meta = before.as_ref().map_or(fresh, |f| Meta { mtime: None, ..f.meta });
        folder.replace(&name, before.as_ref().map(|f| f.bytes.as_slice()), bytes, meta)?;
        let secret = file == ManagedFile::BuilderKey;
        self.expected.insert(file, if secret { Seen::Present } else { Seen::Sha256(after) });
        Ok(true)
    }

    fn ensure_folder(&mut self, folder: ManagedFolder) -> Result<(), Problem> {
        let (parent, name) = parent(self.root, folder)?;
        if parent.child(&name)?.is_some() {
            return Ok(());
        }
        self.receipt.changes.push(Change::Folder(folder));
        self.state.save(&self.receipt)?;
        parent.make(&name, folder_mode(folder)).map(|_| ())
    }

    fn open(&self, folder: ManagedFolder) -> Result<Folder, Problem> {
        let (parent, name) = parent(self.root, folder)?;
        parent.child(&name)?.ok_or_else(|| changed(folder_path(self.root.platform(), folder)))
    }

    fn roll_back(&mut self, plan: &Plan, daemon: &dyn DaemonControl, report: &mut Report, keep: usize) {
        report.outcome = Outcome::Failed;
        let undone = undo::revert(self.root, &self.state, &mut self.receipt, keep);
        let done = |(_, step): &(&Operation, &mut StepReport)| step.state == StepState::Done;
        for (op, step) in plan.ops.iter().zip(&mut report.steps).filter(done) {
            let taken_back = match op {
                Operation::LinuxBuilderService(action) => service::take_back(self.root, *action, daemon),
                _ => Ok(StepState::RolledBack),
            };
            match taken_back {
                Ok(state) => step.state = state,
                Err(problem) => step.problem = Some(problem),
            }
        }
        // only what could not be taken back is worth a line of its own
        report.steps.extend(undone.into_iter().filter(|s| s.problem.is_some()));
    }

    fn end(self, mut report: Report) -> Report {
        if report.problem.is_none() {
            match keys::public_key(self.root) {
                Ok(key) => report.public_key = key,
                Err(problem) => report.problem = Some(problem),
            }
        }
        let closed = self.state.close(&self.receipt);
        report.problem = report.problem.or(closed.err());
        report
    }
}

fn record(found: Option<&Found>) -> Before {
    match found {
        None => Before::Absent,
        Some(Found { bytes, meta }) => Before::File {
            bytes: STANDARD.encode(bytes),
            mode: meta.mode,
            uid: meta.uid,
            gid: meta.gid,
            mtime: meta.mtime.unwrap_or_default(),
        },
    }
}
