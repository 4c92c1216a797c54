//! Serving the API until told to end.

use super::{ApiListener, Service, routes};
use igloo_protocol::{Code, Problem};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// How long requests that run may take to end after the server was told to.
const GRACE: Duration = Duration::from_secs(2);

/// Answers on `listener` until `shutdown` resolves. Streams are ended then, and requests that run
/// get two seconds.
///
/// # Errors
/// [`Code::EngineFailed`] where the server ends by itself.
pub async fn serve<S: Service>(
    listener: ApiListener,
    service: Arc<S>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Problem> {
    let (close, closing) = watch::channel(false);
    let mut ended = closing.clone();
    let app = routes::router(service, closing);
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        close.send_replace(true);
    });
    let deadline = async {
        // an error means that the server is gone already
        let _ = ended.wait_for(|closed| *closed).await;
        drop(ended);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server => result.map_err(|e| {
            Problem::new(Code::EngineFailed, format!("the API ended: {e}"), "start the engine again")
        }),
        () = deadline => Ok(()),
    }
}
