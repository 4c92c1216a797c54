//! Linux.

use super::paths::Layout;

/// Where Linux keeps a user's files: the XDG base directories.
pub const LAYOUT: Layout = Layout::Xdg;
