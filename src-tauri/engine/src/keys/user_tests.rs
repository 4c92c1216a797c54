//! Where the user's key goes, and when.

use super::{
    Keychain, UserKey, UserKeys, ensure_pair,
    vault::fake::{Memory, Mood},
};
use crate::host::Paths;
use igloo_protocol::{BuilderId, Code, KeyPlace};
use std::{fs, path::Path, sync::Arc};

struct Home {
    dir: tempfile::TempDir,
    vault: Arc<Memory>,
    keychain: Arc<Keychain>,
}

impl Home {
    fn new(mood: Mood) -> Home {
        let vault = Memory::new(mood);
        let keychain = Arc::new(Keychain::new(vault.clone(), true));
        Home { dir: tempfile::tempdir().unwrap(), vault, keychain }
    }

    fn keys(&self) -> UserKeys {
        keys_below(self.dir.path(), &self.keychain)
    }

    /// A key from the time before there was a keychain.
    fn with_a_file(self) -> (Home, String) {
        let keys = self.keys();
        let line = ensure_pair(keys.file().parent().unwrap(), super::USER_KEY, "c").unwrap().public_line;
        (self, line)
    }

    fn private_on_disk(&self) -> bool {
        let folder = self.keys().file().parent().unwrap().to_owned();
        let files = fs::read_dir(folder).unwrap().map(|e| fs::read_to_string(e.unwrap().path()).unwrap());
        files.filter(|text| text.contains("PRIVATE KEY")).count() > 0
    }
}

fn keys_below(home: &Path, keychain: &Arc<Keychain>) -> UserKeys {
    let paths = Paths::below(home);
    fs::create_dir_all(&paths.state_dir).unwrap();
    UserKeys::new(&paths, BuilderId::X86_64, keychain.clone())
}

async fn assert_usable(key: &UserKey) {
    let private = key.private().await.unwrap();
    let made = super::parse(private.bytes()).unwrap();
    assert_eq!(made.public_key().to_openssh().unwrap(), key.public_line());
}

#[tokio::test]
async fn a_new_key_is_in_the_keychain_alone() {
    let home = Home::new(Mood::Good);
    let key = home.keys().ensure().await.unwrap();
    assert_eq!(key.place(), KeyPlace::Keychain);
    assert!(!home.private_on_disk());
    assert_usable(&key).await;
    let public = fs::read_to_string(home.keys().public_file()).unwrap();
    assert_eq!(public.trim(), key.public_line());
    // the next start, and one that adopts, find the same
    assert_eq!(home.keys().ensure().await.unwrap().public_line(), key.public_line());
    let adopted = home.keys().existing().unwrap().unwrap();
    assert_eq!((adopted.public_line(), adopted.place()), (key.public_line(), KeyPlace::Keychain));
    assert_usable(&adopted).await;
}

#[tokio::test]
async fn two_installations_and_two_builders_have_a_key_each() {
    let (home, other) = (Home::new(Mood::Good), tempfile::tempdir().unwrap());
    let first = home.keys().ensure().await.unwrap();
    let second = keys_below(other.path(), &home.keychain).ensure().await.unwrap();
    let paths = Paths::below(home.dir.path());
    let third = UserKeys::new(&paths, BuilderId::Aarch64, home.keychain.clone()).ensure().await.unwrap();
    assert_eq!(home.vault.names().len(), 3, "{:?}", home.vault.names());
    assert!(first.public_line() != second.public_line() && first.public_line() != third.public_line());
}

#[tokio::test]
async fn a_key_in_a_file_is_moved() {
    let (home, line) = Home::new(Mood::Good).with_a_file();
    let before = fs::read(home.keys().file()).unwrap();
    let key = home.keys().ensure().await.unwrap();
    assert_eq!((key.public_line(), key.place()), (line.as_str(), KeyPlace::Keychain));
    assert!(!home.private_on_disk());
    assert_eq!(home.vault.kept.lock().unwrap().values().collect::<Vec<_>>(), [&before]);
    assert_usable(&key).await;
}

#[tokio::test]
async fn a_file_stays_until_the_keychain_has_shown_the_key() {
    for mood in [Mood::KeepsHalf, Mood::HidesWhatItTook, Mood::Refuses, Mood::Absent, Mood::Panics] {
        let (home, line) = Home::new(mood).with_a_file();
        let before = fs::read(home.keys().file()).unwrap();
        let key = home.keys().ensure().await.unwrap();
        assert!(matches!(key.place(), KeyPlace::File { why: Some(_) }), "{mood:?}: {:?}", key.place());
        assert_eq!(key.public_line(), line);
        assert_eq!(fs::read(home.keys().file()).unwrap(), before, "{mood:?}");
        assert!(!home.keys().public_file().exists());
        // and is moved once it can be
        home.vault.set(Mood::Good);
        assert_eq!(home.keys().ensure().await.unwrap().place(), KeyPlace::Keychain);
        assert!(!home.private_on_disk());
    }
}

#[tokio::test]
async fn without_a_keychain_the_key_is_in_a_file_and_the_reason_is_told() {
    let home = Home::new(Mood::Absent);
    let key = home.keys().ensure().await.unwrap();
    let KeyPlace::File { why: Some(why) } = key.place() else { panic!("{:?}", key.place()) };
    assert!(why.message.contains("no keychain answers (there is none)"), "{why}");
    assert_usable(&key).await;
    assert_eq!(home.keys().existing().unwrap().unwrap().public_line(), key.public_line());
}

#[tokio::test]
async fn a_keychain_that_is_not_there_this_time_leads_to_a_new_key() {
    let home = Home::new(Mood::Good);
    let first = home.keys().ensure().await.unwrap();
    home.vault.set(Mood::Absent);
    let second = home.keys().ensure().await.unwrap();
    assert!(matches!(second.place(), KeyPlace::File { why: Some(_) }));
    assert_ne!(first.public_line(), second.public_line());
    assert!(!home.keys().public_file().exists(), "no half of a key that is not used");
    home.vault.set(Mood::Good);
    let third = home.keys().ensure().await.unwrap();
    assert_eq!((third.public_line(), third.place()), (second.public_line(), KeyPlace::Keychain));
    assert_usable(&third).await;
}

#[tokio::test]
async fn a_keychain_that_refuses_is_told_and_no_key_is_written_instead() {
    let home = Home::new(Mood::Refuses);
    assert_eq!(home.keys().ensure().await.err().unwrap().code, Code::KeychainFailed);
    assert!(!home.private_on_disk());
    home.vault.set(Mood::Good);
    let key = home.keys().ensure().await.unwrap();
    home.vault.set(Mood::Refuses);
    let problem = home.keys().ensure().await.err().unwrap();
    assert!(problem.message.contains("it is locked") && problem.remedy.contains("unlock"), "{problem}");
    assert!(!home.private_on_disk());
    home.vault.set(Mood::Good);
    assert_eq!(home.keys().ensure().await.unwrap().public_line(), key.public_line());
}

#[tokio::test(start_paused = true)]
async fn a_keychain_that_hangs_is_told() {
    let home = Home::new(Mood::Hangs);
    let problem = home.keys().ensure().await.err().unwrap();
    assert_eq!(problem.code, Code::KeychainFailed);
    assert!(problem.message.contains("no answer within"), "{problem}");
    assert!(!home.private_on_disk());
    // an old key still works
    let (home, line) = Home::new(Mood::Hangs).with_a_file();
    let key = home.keys().ensure().await.unwrap();
    assert_eq!(key.public_line(), line);
    assert!(matches!(key.place(), KeyPlace::File { why: Some(p) } if p.message.contains("no answer within")));
}

#[tokio::test]
async fn a_key_that_the_keychain_lost_is_made_anew() {
    let home = Home::new(Mood::Good);
    let key = home.keys().ensure().await.unwrap();
    let adopted = home.keys().existing().unwrap().unwrap();
    home.vault.kept.lock().unwrap().clear();
    let problem = adopted.private().await.err().unwrap();
    assert_eq!(problem.code, Code::BadKey);
    assert!(problem.message.contains("not there any more") && problem.remedy.contains("start it again"));
    assert_usable(&key).await; // what was read once is remembered
    let next = home.keys().ensure().await.unwrap();
    assert_ne!(next.public_line(), key.public_line());
    assert_usable(&next).await;
    // another's key in its place is not ours
    let other = super::fresh("x").unwrap().as_bytes().to_vec();
    home.vault.kept.lock().unwrap().values_mut().for_each(|kept| *kept = other.clone());
    assert_eq!(home.keys().existing().unwrap().unwrap().private().await.err().unwrap().code, Code::BadKey);
    assert_ne!(home.keys().ensure().await.unwrap().public_line(), next.public_line());
}

#[tokio::test]
async fn a_user_who_wants_no_keychain_has_a_file_and_the_keychain_forgets() {
    let home = Home::new(Mood::Good);
    let first = home.keys().ensure().await.unwrap();
    home.keychain.want(false);
    let key = home.keys().ensure().await.unwrap();
    assert_eq!(key.place(), KeyPlace::File { why: None });
    assert_ne!(key.public_line(), first.public_line());
    assert_usable(&key).await;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while !home.vault.names().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "the key stays in the keychain");
        tokio::task::yield_now().await;
    }
    // who never wanted one is not asked for anything
    let home = Home::new(Mood::Hangs);
    home.keychain.want(false);
    home.keys().ensure().await.unwrap();
    assert_eq!(*home.vault.calls.lock().unwrap(), 0);
}
