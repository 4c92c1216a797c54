//! What differs between hosts, one trait each.
