//! The image manifest, where it comes from, and the disks over it.
