//! The lifecycle of a builder: the pure state machine, and the supervisor that runs its effects.
