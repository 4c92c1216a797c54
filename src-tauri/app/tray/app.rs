//! The app put together: what happens when.

use super::{
    clipboard,
    commands::{self, log::Followers},
    face::{Face, report},
    first_run,
    instance::First,
    link::{Link, send},
    menu::{Click, menu},
    page::Page,
    program,
    seen::Seen,
    shown::Shown,
    terminal::{self, Desktops, OpenTerminal},
    window,
};
use crate::{image::turn::Turn, login, notify};
use igloo_engine::host::Paths;
use std::sync::{Arc, Mutex, PoisonError};
use tauri::{App, AppHandle, Manager, RunEvent, Wry};
use tokio::signal::unix::{SignalKind, signal};

/// The item as its handlers reach it. Only the main thread locks it.
type Held = Mutex<Shown<Wry>>;

/// What the app is made of.
pub struct Parts<'l> {
    /// The way to the engine.
    pub link: &'l Link,
    /// Where Igloo keeps its files.
    pub paths: Paths,
    /// What later launches talk to.
    pub first: First,
    /// The page to open at once, if any.
    pub page: Option<Page>,
}

/// Shows the tray until the user quits, and returns the process' exit code. Call it on the main thread.
///
/// # Errors
/// If Tauri can't be initialised. A tray that can't be made is logged, and exit code 1.
pub fn run(parts: Parts<'_>) -> tauri::Result<i32> {
    // one runtime for all: Tauri's tasks, the engine's and the app's own
    tauri::async_runtime::set(parts.link.runtime());
    name_for_panels();
    let Parts { link, paths, first, page } = parts;
    // not in Tauri's hands: its state outlives the app's end, and the socket has to go with the app
    let first = Arc::new(first);
    let listening = first.clone();
    let igloo = program::beside();
    let face = Arc::new(Face {
        sight: link.sight(),
        client: link.client(),
        runtime: link.runtime(),
        paths: paths.clone(),
        program: program::in_shell(&igloo, &std::env::var_os("PATH").unwrap_or_default()),
        terminal: Arc::new(Desktops { igloo, paths }) as Arc<dyn OpenTerminal>,
        page: Mutex::default(),
        logs: Followers::default(),
        image: Turn::default(),
    });
    let asked_to_end = link.asked_to_end();
    let app = tauri::Builder::default()
        .manage(face.clone())
        .invoke_handler(commands::handler())
        .setup(move |app| {
            // Tauri panics on an error that is returned here
            if let Err(error) = set_up(app, face, &listening, page) {
                tracing::error!(%error, "can't show the tray");
                app.handle().exit(1);
            }
            tauri::async_runtime::spawn(end_with(app.handle().clone(), asked_to_end));
            Ok(())
        })
        .build(tauri::generate_context!())?;
    Ok(app.run_return(|app, event| match event {
        // no code: the last window was closed, which does not end a menu-bar app
        RunEvent::ExitRequested { api, code: None, .. } => api.prevent_exit(),
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => window::open(app, None),
        _ => {
            let _ = app;
        }
    }))
}

/// Panels read the application's name aloud, which is the program's (`igloo-tray`) unless it is told.
fn name_for_panels() {
    #[cfg(target_os = "linux")]
    glib::set_application_name("Igloo");
}

fn set_up(app: &mut App, face: Arc<Face>, first: &First, page: Option<Page>) -> tauri::Result<()> {
    // no icon in the Dock, no menu at the top
    #[cfg(target_os = "macos")]
    app.set_activation_policy(tauri::ActivationPolicy::Accessory);

    let model = menu(&face.sight.borrow(), &face.program);
    app.manage(Held::new(Shown::new(app.handle(), model)?));
    let clicked_face = face.clone();
    app.on_menu_event(move |app, event| {
        if let Some(click) = clicked(app, event.id().as_ref()) {
            act(app, &clicked_face, click);
        }
    });
    let handle = app.handle().clone();
    let listening = first.listen(move |page| on_main_thread(&handle, move |app| window::open(app, page)));
    if let Err(problem) = listening {
        tracing::error!("{problem}; {}", problem.remedy);
    }
    if page.is_some() {
        window::open(app.handle(), page);
    }
    tauri::async_runtime::spawn(follow(app.handle().clone(), face.clone()));
    tauri::async_runtime::spawn(lead(app.handle().clone(), face.clone()));
    let notifier = Arc::new(notify::deliver::Desktop);
    let snapshot = |seen: &Seen| seen.snapshot.clone();
    tauri::async_runtime::spawn(notify::follow(face.sight.clone(), snapshot, face.client.clone(), notifier));
    tauri::async_runtime::spawn(login::follow(face.sight.clone(), snapshot, login::of_this_system()));
    tracing::info!("the tray is up");
    Ok(())
}

fn clicked(app: &AppHandle, key: &str) -> Option<Click> {
    app.state::<Held>().lock().unwrap_or_else(PoisonError::into_inner).click(key)
}

/// Does what a click asks for. On the main thread: nothing here waits.
fn act(app: &AppHandle, face: &Arc<Face>, click: Click) {
    match click {
        Click::Command(command) => send(&face.runtime, face.client.clone(), command),
        Click::Terminal(builder) => {
            let (terminal, client) = (face.terminal.clone(), face.client.clone());
            face.runtime.spawn(async move {
                report(terminal::open(&terminal, &client, builder).await, "open a terminal");
            });
        }
        Click::Service(action) => {
            let client = face.client.clone();
            face.runtime.spawn(async move {
                report(commands::service::change(client, action).await, "change the service");
            });
        }
        Click::Copy(text) => report(clipboard::put(text), "copy"),
        Click::Open(page) => window::open(app, Some(page)),
        Click::Quit => app.exit(0),
    }
}

/// Shows all that is seen of the engine and is still the newest when its turn comes.
async fn follow(app: AppHandle, face: Arc<Face>) {
    let mut sight = face.sight.clone();
    loop {
        let model = menu(&sight.borrow_and_update(), &face.program);
        show(&app, model);
        if app.get_webview_window(window::LABEL).is_some() {
            window::tell(&app, &face);
        }
        if sight.changed().await.is_err() {
            return;
        }
    }
}

fn show(app: &AppHandle, model: super::menu::MenuModel) {
    on_main_thread(app, move |app| {
        let held = app.state::<Held>();
        let mut shown = held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = shown.show(model) {
            tracing::error!(%error, "can't change the tray");
        }
    });
}

/// Opens the window for the first run, where one is wanted, as soon as that can be told.
async fn lead(app: AppHandle, face: Arc<Face>) {
    let mut sight = face.sight.clone();
    while !first_run::is_done(&face.paths) {
        let snapshot = sight.borrow_and_update().snapshot.clone();
        let settings = face.client.settings().await.ok();
        if let Some((snapshot, settings)) = snapshot.zip(settings)
            && let Some(wanted) = first_run::wanted(&snapshot, &settings)
        {
            if wanted {
                on_main_thread(&app, |app| window::open(app, Some(Page::Welcome)));
            }
            return;
        }
        if sight.changed().await.is_err() {
            return;
        }
    }
}

/// Ends the app when a client asks its engine to end, or the system asks the process to.
async fn end_with(app: AppHandle, asked_to_end: impl Future<Output = ()>) {
    let signalled = async {
        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(mut terminate), Ok(mut interrupt)) => tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            },
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        () = asked_to_end => tracing::info!("asked to end"),
        () = signalled => tracing::info!("ended by a signal"),
    }
    app.exit(0);
}

fn on_main_thread(app: &AppHandle, run: impl FnOnce(&AppHandle) + Send + 'static) {
    let handle = app.clone();
    if let Err(error) = app.run_on_main_thread(move || run(&handle)) {
        tracing::debug!(%error, "the app is gone");
    }
}
