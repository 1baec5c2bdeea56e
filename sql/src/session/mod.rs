//! The embedded database and its sessions.
