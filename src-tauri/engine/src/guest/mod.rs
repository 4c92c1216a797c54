//! The guest, seen through one ssh session.
