//! xenscope.
