//! What every command is given.

use igloo_engine::{api::Client, host::Paths};
use igloo_protocol::Problem;

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// Where Igloo keeps its files.
    pub paths: Paths,
    /// The engine, if one runs.
    pub client: Client,
    /// Whether results are printed as JSON.
    pub json: bool,
}

impl Context {
    /// By the environment.
    ///
    /// # Errors
    /// As [`Paths::from_env`].
    pub fn new(json: bool) -> Result<Context, Problem> {
        let paths = Paths::from_env()?;
        let client = Client::new(paths.socket());
        Ok(Context { paths, client, json })
    }
}
