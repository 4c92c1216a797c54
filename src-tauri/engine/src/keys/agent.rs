//! An ssh-agent with one key: so that ssh can log in with a key that lies in no file.
//!
//! Of the protocol (draft-ietf-sshm-ssh-agent) it speaks what a login needs, the list of the keys and a signature;
//! to anything else it says no. Whoever may connect can sign, and nobody gets the key.

use super::user::{UserKey, pair_of};
use crate::socket::OwnListener;
use axum::serve::Listener as _;
use igloo_protocol::Problem;
use signature::Signer as _;
use std::{io, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    task::{AbortHandle, JoinSet},
    time::timeout,
};
use tracing::{debug, warn};

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// The longest message that is read, OpenSSH's own limit.
const MESSAGE_MAX: u32 = 256 * 1024;
/// How many may be connected at once; the next ones wait.
const CLIENTS: usize = 16;
/// How long a client may be silent.
const SILENCE: Duration = Duration::from_secs(120);

/// An agent that runs until it is dropped; its socket goes with it.
pub struct Agent(AbortHandle);

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Agent {
    /// Serves this key at `path`, for this user alone. Call it within a tokio runtime.
    ///
    /// # Errors
    /// A path that is too long for a socket, a folder that is open to others, another agent there.
    pub fn serve(path: &Path, key: UserKey) -> Result<Agent, Problem> {
        let listener = OwnListener::bind(path)?;
        Ok(Agent(tokio::spawn(accept(listener, key)).abort_handle()))
    }
}

async fn accept(mut listener: OwnListener, key: UserKey) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            (stream, _) = listener.accept(), if clients.len() < CLIENTS => {
                let key = key.clone();
                clients.spawn(async move {
                    if let Err(e) = talk(stream, &key).await {
                        debug!("an ssh-agent's client went away: {e}");
                    }
                });
            }
            Some(_) = clients.join_next() => {}
        }
    }
}

async fn talk(mut stream: UnixStream, key: &UserKey) -> io::Result<()> {
    loop {
        let length = match timeout(SILENCE, stream.read_u32()).await? {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            length => length?,
        };
        if length == 0 || length > MESSAGE_MAX {
            return Err(io::Error::other(format!("a message of {length} bytes")));
        }
        let mut message = vec![0; length as usize];
        timeout(SILENCE, stream.read_exact(&mut message)).await??;
        let mut answer = Vec::new();
        put(&mut answer, &respond(&message, key).await);
        timeout(SILENCE, stream.write_all(&answer)).await??;
    }
}

async fn respond(message: &[u8], key: &UserKey) -> Vec<u8> {
    let answer = match message.split_first() {
        Some((&REQUEST_IDENTITIES, _)) => identities(key),
        Some((&SIGN_REQUEST, request)) => sign(request, key).await,
        _ => None,
    };
    answer.unwrap_or_else(|| vec![FAILURE])
}

fn identities(key: &UserKey) -> Option<Vec<u8>> {
    let mut answer = vec![IDENTITIES_ANSWER];
    answer.extend(1_u32.to_be_bytes());
    put(&mut answer, &blob(key)?);
    let comment = key.public_line().splitn(3, ' ').nth(2).unwrap_or_default();
    put(&mut answer, comment.as_bytes());
    Some(answer)
}

/// `None`: for another key, or for none that can be used now.
async fn sign(mut request: &[u8], key: &UserKey) -> Option<Vec<u8>> {
    let (wanted, data) = (take(&mut request)?, take(&mut request)?);
    if wanted != blob(key)? {
        return None;
    }
    let private = key.private().await.inspect_err(|problem| warn!("ssh can't log in: {problem}")).ok()?;
    let signed = pair_of(&private).ok()?.try_sign(data).ok()?;
    let mut signature = Vec::new();
    put(&mut signature, signed.algorithm().as_str().as_bytes());
    put(&mut signature, signed.as_bytes());
    let mut answer = vec![SIGN_RESPONSE];
    put(&mut answer, &signature);
    Some(answer)
}

fn blob(key: &UserKey) -> Option<Vec<u8>> {
    key.public_line().parse::<super::PublicKey>().ok().map(|key| key.blob().to_vec())
}

/// A string as the ssh protocol writes it: its length, then its bytes.
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend(bytes);
}

fn take<'m>(from: &mut &'m [u8]) -> Option<&'m [u8]> {
    let (length, rest) = from.split_first_chunk()?;
    let (string, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *from = rest;
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::{super::ensure_pair, *};
    use signature::Verifier as _;
    use std::os::unix::fs::PermissionsExt as _;

    struct Served {
        dir: tempfile::TempDir,
        key: UserKey,
        agent: Agent,
    }

    impl Served {
        fn new() -> Served {
            let dir = tempfile::tempdir().unwrap();
            let pair = ensure_pair(&dir.path().join("keys"), "k", "a comment").unwrap();
            let key = UserKey::in_file(pair.private_path, pair.public_line);
            let agent = Agent::serve(&dir.path().join("run/agent.sock"), key.clone()).unwrap();
            Served { dir, key, agent }
        }

        async fn connect(&self) -> UnixStream {
            UnixStream::connect(self.dir.path().join("run/agent.sock")).await.unwrap()
        }
    }

    async fn ask(stream: &mut UnixStream, message: &[u8]) -> Vec<u8> {
        let mut framed = Vec::new();
        put(&mut framed, message);
        stream.write_all(&framed).await.unwrap();
        let mut answer = vec![0; stream.read_u32().await.unwrap() as usize];
        stream.read_exact(&mut answer).await.unwrap();
        answer
    }

    fn sign_request(blob: &[u8], data: &[u8]) -> Vec<u8> {
        let mut request = vec![SIGN_REQUEST];
        put(&mut request, blob);
        put(&mut request, data);
        request.extend([0; 4]);
        request
    }

    #[tokio::test]
    async fn it_offers_its_one_key_and_signs_with_it() {
        let served = Served::new();
        let mut stream = served.connect().await;
        let offered = ask(&mut stream, &[REQUEST_IDENTITIES]).await;
        let mut rest = offered.strip_prefix(&[IDENTITIES_ANSWER, 0, 0, 0, 1]).unwrap();
        assert_eq!(take(&mut rest).unwrap(), blob(&served.key).unwrap());
        assert_eq!(take(&mut rest).unwrap(), b"a comment");

        let answer = ask(&mut stream, &sign_request(&blob(&served.key).unwrap(), b"data")).await;
        let mut rest = answer.strip_prefix(&[SIGN_RESPONSE]).unwrap();
        let mut signature = take(&mut rest).unwrap();
        assert_eq!(take(&mut signature).unwrap(), b"ssh-ed25519");
        let signature = take(&mut signature).unwrap().to_vec();
        let signature = ssh_key::Signature::new(ssh_key::Algorithm::Ed25519, signature).unwrap();
        let public = ssh_key::PublicKey::from_openssh(served.key.public_line()).unwrap();
        public.key_data().verify(b"data", &signature).unwrap();
        assert!(public.key_data().verify(b"other", &signature).is_err());
    }

    #[tokio::test]
    async fn it_says_no_to_everything_else() {
        let served = Served::new();
        let mut stream = served.connect().await;
        let other = blob(&Served::new().key).unwrap();
        let add_key = [17, 0, 0, 0, 11];
        for message in [&[0][..], &add_key, &[SIGN_REQUEST], &[SIGN_REQUEST, 0xff, 0xff, 0xff, 0xff, 1]] {
            assert_eq!(ask(&mut stream, message).await, [FAILURE], "{message:?}");
        }
        assert_eq!(ask(&mut stream, &sign_request(&other, b"data")).await, [FAILURE]);
        // a key that is gone
        let file = served.dir.path().join("keys/k");
        std::fs::remove_file(file).unwrap();
        assert_eq!(ask(&mut stream, &sign_request(&blob(&served.key).unwrap(), b"data")).await, [FAILURE]);
    }

    #[tokio::test]
    async fn a_message_without_end_is_cut_off() {
        let served = Served::new();
        for length in [0, MESSAGE_MAX + 1, u32::MAX] {
            let mut stream = served.connect().await;
            stream.write_all(&length.to_be_bytes()).await.unwrap();
            let end = timeout(Duration::from_secs(30), stream.read(&mut [0])).await.unwrap();
            assert!(end.is_err() || end.is_ok_and(|n| n == 0), "{length}");
        }
        assert_eq!(ask(&mut served.connect().await, &[REQUEST_IDENTITIES]).await[0], IDENTITIES_ANSWER);
    }

    #[tokio::test]
    async fn its_socket_is_the_users_alone_and_goes_with_it() {
        let served = Served::new();
        let socket = served.dir.path().join("run/agent.sock");
        assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
        let mut stream = served.connect().await;
        ask(&mut stream, &[REQUEST_IDENTITIES]).await;
        drop(served.agent);
        timeout(Duration::from_secs(30), async {
            while socket.exists() {
                tokio::task::yield_now().await;
            }
            assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)), "clients end with it");
        })
        .await
        .unwrap();
    }
}
