//! Xen's trace buffers: what each vCPU does, as it happens.

mod libraries;
mod parse;
