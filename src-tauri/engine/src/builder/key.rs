//! The key that the user logs in with, as the supervisor deals with it.

use super::{layout::Keys, supervisor::Supervisor};
use crate::{
    image::Image,
    keys::{Agent, UserKey},
    vm::Hypervisor,
};
use igloo_protocol::{KeyPlace, Problem};
use tracing::warn;

impl<H: Hypervisor> Supervisor<H> {
    /// Logs what does not stop the builder, and shows it.
    pub(super) fn warn(&self, problem: Problem) {
        warn!(builder = %self.id, "{problem}");
        self.hub.update(self.id, |v| v.warning = Some(problem));
    }

    /// Shows where the key is before a start has looked.
    pub(super) fn look_for_key(&self) {
        match self.keys.existing() {
            Ok(key) => {
                let place = key.map_or(KeyPlace::None, |key| key.place());
                self.hub.update(self.id, |v| v.key_in = place);
            }
            Err(problem) => self.warn(problem),
        }
    }

    /// The keys of a machine that runs already. The keychain is not asked here: it may keep everything waiting.
    pub(super) fn found_keys(&self, image: &Image) -> Result<Keys, Problem> {
        let user = self.keys.existing()?.unwrap_or_else(UserKey::gone);
        Ok(Keys { user, host: self.layout.host_key(image)? })
    }

    /// Shows where the key is, and lets ssh use one that is in no file.
    pub(super) fn offer_key(&self, user: &UserKey) -> Option<Agent> {
        let place = user.place();
        self.hub.update(self.id, |v| v.key_in = place.clone());
        if place != KeyPlace::Keychain {
            return None;
        }
        Agent::serve(&self.layout.run_dir().agent(), user.clone()).map_err(|problem| self.warn(problem)).ok()
    }
}
