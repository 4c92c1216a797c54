//! The menu-bar app: a status item and its menu, a face of the engine like any other.
//!
//! [`menu`] decides what is shown and [`edit`] what of it changes, both pure; [`shown`] does it to Tauri's
//! items. What is shown comes from a [`Snapshot`] and nothing else; what is clicked becomes a [`Command`].

pub mod edit;
pub mod link;
#[cfg(test)]
mod link_tests;
pub mod menu;
#[cfg(test)]
mod sample;
mod shown;
pub mod silhouette;

use igloo_protocol::{Command, Snapshot};
use shown::Shown;
use std::sync::{Arc, Mutex, PoisonError};
use tauri::{App, AppHandle, Manager, RunEvent, Wry};
use tokio::sync::watch;

/// What the engine says, as it changes. `None` while no engine runs.
pub type Snapshots = watch::Receiver<Option<Arc<Snapshot>>>;

/// The item as its handlers reach it. Only the main thread locks it.
type Held = Mutex<Shown<Wry>>;

/// Shows the tray until the user quits, and returns the process' exit code. Call it on the main thread.
///
/// The menu follows `snapshots`; once their sender is gone it says that no engine runs. `commands` gets
/// what was clicked. It is called on the main thread, so it must hand the command on rather than wait for
/// its answer.
///
/// # Errors
/// If Tauri can't be initialised. A tray that can't be made is logged, and exit code 1.
pub fn run(snapshots: Snapshots, commands: impl Fn(Command) + Send + Sync + 'static) -> tauri::Result<i32> {
    let app = tauri::Builder::default()
        .setup(move |app| {
            // Tauri panics on an error that is returned here
            if let Err(error) = set_up(app, snapshots, commands) {
                tracing::error!(%error, "can't show the tray");
                app.handle().exit(1);
            }
            Ok(())
        })
        .build(tauri::generate_context!())?;
    Ok(app.run_return(|_, event| {
        // no code: the last window was closed, which does not end a menu-bar app
        if let RunEvent::ExitRequested { api, code: None, .. } = event {
            api.prevent_exit();
        }
    }))
}

fn set_up(
    app: &mut App,
    snapshots: Snapshots,
    commands: impl Fn(Command) + Send + Sync + 'static,
) -> tauri::Result<()> {
    // no icon in the Dock, no menu at the top
    #[cfg(target_os = "macos")]
    app.set_activation_policy(tauri::ActivationPolicy::Accessory);

    let first = menu::menu(snapshots.borrow().as_deref());
    app.manage(Held::new(Shown::new(app.handle(), first)?));
    app.on_menu_event(move |app, event| match clicked(app, event.id().as_ref()) {
        Some(menu::Click::Command(command)) => commands(command),
        Some(menu::Click::Quit) => app.exit(0),
        None => {}
    });
    tauri::async_runtime::spawn(follow(app.handle().clone(), snapshots));
    tracing::info!("the tray is up");
    Ok(())
}

fn clicked(app: &AppHandle, key: &str) -> Option<menu::Click> {
    app.state::<Held>().lock().unwrap_or_else(PoisonError::into_inner).click(key)
}

/// Shows every snapshot that is still the newest when its turn comes.
async fn follow(app: AppHandle, mut snapshots: Snapshots) {
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        show(&app, menu::menu(snapshot.as_deref()));
        if snapshots.changed().await.is_err() {
            return show(&app, menu::menu(None));
        }
    }
}

fn show(app: &AppHandle, model: menu::MenuModel) {
    let handle = app.clone();
    let sent = app.run_on_main_thread(move || {
        let held = handle.state::<Held>();
        let mut shown = held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = shown.show(model) {
            tracing::error!(%error, "can't change the tray");
        }
    });
    if let Err(error) = sent {
        tracing::debug!(%error, "the tray is gone");
    }
}
