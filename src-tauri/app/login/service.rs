//! macOS: the app itself as a login item, by `SMAppService` (macOS 13 and newer).

use super::{LoginItem, State};
use smappservice_rs::{AppService, ServiceStatus, ServiceType};

/// The app in whose bundle this process runs.
pub struct MainApp;

impl LoginItem for MainApp {
    fn state(&self) -> Result<State, String> {
        Ok(match AppService::new(ServiceType::MainApp).status() {
            ServiceStatus::Enabled => State::On,
            ServiceStatus::RequiresApproval => State::SwitchedOff,
            // "not found" is what an app that was never registered is to macOS
            ServiceStatus::NotRegistered | ServiceStatus::NotFound => State::Off,
        })
    }

    fn set(&self, on: bool) -> Result<(), String> {
        let app = AppService::new(ServiceType::MainApp);
        let result = if on { app.register() } else { app.unregister() };
        result.map_err(|e| e.to_string())
    }
}
