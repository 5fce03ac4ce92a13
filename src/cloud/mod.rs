<<<<<<< HEAD
<<<<<<< HEAD
//! Adapters of the ports: who really answers when eksact reads or writes.
//!
//! Nothing is decided in here; an adapter does what it is asked and reports how it went.

pub mod sandbox;
=======
//! Adapters of the [`ports`](crate::ports): the only rooms that connect to anything.

pub mod aws;
>>>>>>> aws
=======
//! Adapters: what really answers the questions that `ports` defines. No decision about a plan is made here.

pub mod kubernetes;
>>>>>>> kubernetes
