//! macOS.

use super::paths::Layout;

/// Where macOS keeps a user's files: `~/Library`.
pub const LAYOUT: Layout = Layout::Library;
