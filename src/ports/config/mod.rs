//! What stands around glass: variables, the home's files, and whether they can be leaned on.
//!
//! Nothing here knows what the files mean; it says where they are, reads and writes them
//! safely, and tells who else could have written them.

mod ballast;
mod environment;
mod home;
mod judged;
mod program;
mod trust;
mod writing;

pub use environment::{Environment, Sudo, host_name, inherited, own_binary};
pub use home::{Home, HomeError};
pub use judged::{Concern, Distrust, Judged};
pub use program::{Program, ProgramError};
pub use trust::{ReadError, Trust};
pub use writing::{WriteError, touch, write_new};
