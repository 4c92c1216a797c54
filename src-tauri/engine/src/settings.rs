//! The user's choices.
