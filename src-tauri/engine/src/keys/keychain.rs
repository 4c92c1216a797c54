//! The keychain as the engine uses it: where the settings want it, one call at a time, each with a deadline.

use super::vault::{Secret, Vault, VaultError};
use igloo_protocol::{Code, Problem};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, timeout_at},
};

/// How long a keychain may take: enough to type a password into its dialog.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to do about a keychain that does not work.
const REMEDY: &str = "unlock the keychain and try again, or keep the key in a file of yours alone with \
                      `igloo settings set keychain false`";

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// This session has no keychain.
    Absent(Problem),
    /// There is one, and it does not do what it should.
    Trouble(Problem),
}

impl NoAnswer {
    /// What to tell.
    pub fn problem(self) -> Problem {
        match self {
            NoAnswer::Absent(problem) | NoAnswer::Trouble(problem) => problem,
        }
    }
}

/// The keychain of all builders.
pub struct Keychain {
    vault: Arc<dyn Vault>,
    wanted: AtomicBool,
    turn: Arc<Semaphore>,
    patience: Duration,
}

impl Keychain {
    /// A keychain that is used if it is `wanted`.
    pub fn new(vault: Arc<dyn Vault>, wanted: bool) -> Keychain {
        Keychain {
            vault,
            wanted: AtomicBool::new(wanted),
            turn: Arc::new(Semaphore::new(1)),
            patience: PATIENCE,
        }
    }

    /// Whether the user wants it.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Takes the user's choice. It counts from the next start on.
    pub fn want(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::Relaxed);
    }

    /// The secret of this name; `None`: there is none.
    ///
    /// # Errors
    /// No keychain, one that refuses, or one that does not answer in time.
    pub async fn get(&self, name: &str) -> Result<Option<Secret>, NoAnswer> {
        let name = name.to_owned();
        self.call(move |vault| vault.get(&name)).await
    }

    /// Keeps a secret, and sees that it is kept: it is read again and compared.
    ///
    /// # Errors
    /// No keychain, one that refuses, keeps something else, or does not answer in time.
    pub async fn keep(&self, name: &str, secret: &Secret) -> Result<(), NoAnswer> {
        let (name, secret) = (name.to_owned(), secret.clone());
        self.call(move |vault| {
            vault.put(&name, &secret)?;
            match vault.get(&name)? {
                Some(kept) if kept.bytes() == secret.bytes() => Ok(()),
                Some(_) => Err(VaultError::Refused("it kept something else than what it was given".into())),
                None => Err(VaultError::Refused("it did not keep what it was given".into())),
            }
        })
        .await
    }

    /// Forgets the secret of this name.
    ///
    /// # Errors
    /// No keychain, one that refuses, or one that does not answer in time.
    pub async fn forget(&self, name: &str) -> Result<(), NoAnswer> {
        let name = name.to_owned();
        self.call(move |vault| vault.remove(&name)).await
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let end = Instant::now() + self.patience;
        let (tell, told) = oneshot::channel();
        match timeout_at(end, self.turn.clone().acquire_owned()).await {
            Ok(Ok(turn)) => {
                let vault = self.vault.clone();
                // a thread of its own: tokio's would keep the engine from ending for as long as a dialog is open
                let thread = thread::Builder::new().name("keychain".into()).spawn(move || {
                    let answer = work(&*vault);
                    drop(turn);
                    let _ = tell.send(answer);
                });
                thread.map_err(|e| trouble(format!("it can't be asked: {e}")))?;
            }
            Ok(Err(_)) => return Err(trouble("it is closed".into())),
            Err(_) => return Err(self.silent()),
        }
        match timeout_at(end, told).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(VaultError::Absent(why)))) => Err(absent(&why)),
            Ok(Ok(Err(VaultError::Refused(why)))) => Err(trouble(why)),
            Ok(Err(_)) => Err(trouble("the call broke off".into())),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> NoAnswer {
        trouble(format!("no answer within {} s; it may wait for its password", self.patience.as_secs()))
    }
}

fn absent(why: &str) -> NoAnswer {
    NoAnswer::Absent(Problem::new(
        Code::KeychainFailed,
        format!("no keychain answers ({why})"),
        "start Igloo where a keychain is, or say that none is wanted with `igloo settings set keychain false`",
    ))
}

fn trouble(why: String) -> NoAnswer {
    NoAnswer::Trouble(Problem::new(
        Code::KeychainFailed,
        format!("the keychain does not give or take the builder's key: {why}"),
        REMEDY,
    ))
}

#[cfg(test)]
mod tests {
    use super::{
        super::vault::fake::{Memory, Mood},
        *,
    };

    fn keychain(vault: &Arc<Memory>) -> Keychain {
        Keychain::new(vault.clone(), true)
    }

    fn told<T: std::fmt::Debug>(answer: Result<T, NoAnswer>) -> String {
        match answer.unwrap_err() {
            NoAnswer::Trouble(problem) => {
                assert_eq!(problem.code, Code::KeychainFailed);
                assert!(problem.remedy.contains("keychain false"), "{}", problem.remedy);
                problem.message
            }
            absent => panic!("{absent:?}"),
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_found_until_it_is_forgotten() {
        let vault = Memory::new(Mood::Good);
        let keychain = keychain(&vault);
        assert!(keychain.get("a").await.unwrap().is_none());
        keychain.keep("a", &Secret::new(b"one".into())).await.unwrap();
        assert_eq!(keychain.get("a").await.unwrap().unwrap().bytes(), b"one");
        assert!(keychain.get("b").await.unwrap().is_none());
        keychain.forget("a").await.unwrap();
        assert!(keychain.get("a").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_is_not_kept_whole_is_told() {
        for (mood, why) in [
            (Mood::KeepsHalf, "something else"),
            (Mood::HidesWhatItTook, "does not show it"),
            (Mood::Panics, "broke"),
        ] {
            let message = told(keychain(&Memory::new(mood)).keep("a", &Secret::new(b"12".into())).await);
            assert!(message.contains(why), "{message}");
        }
        let none = keychain(&Memory::new(Mood::Absent)).get("a").await.unwrap_err();
        assert!(matches!(&none, NoAnswer::Absent(p) if p.message.contains("there is none")), "{none:?}");
    }

    // the clock stands still, and jumps to the deadline once everything waits
    #[tokio::test(start_paused = true)]
    async fn a_keychain_that_hangs_is_told_and_asked_once() {
        let vault = Memory::new(Mood::Hangs);
        let keychain = keychain(&vault);
        for _ in 0..3 {
            let began = Instant::now();
            let message = told(keychain.get("a").await);
            assert!(message.contains("no answer within 60 s"), "{message}");
            assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
        }
        assert!(*vault.calls.lock().unwrap() <= 1, "no threads pile up behind a dialog");
        // once it answers it is used again
        tokio::time::resume();
        vault.set(Mood::Good);
        assert!(keychain.get("a").await.unwrap().is_none());
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Some(Secret::new(b"OPENSSH".into()))), "Some(Secret(..))");
    }
}
