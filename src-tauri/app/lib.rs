//! Igloo's faces: what the two programs of this package are made of.

#[cfg(feature = "tray")]
pub mod tray;
