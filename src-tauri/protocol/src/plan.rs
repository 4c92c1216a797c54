//! A change of root-owned files: what `igloo-admin` is asked to do, and what it did.
