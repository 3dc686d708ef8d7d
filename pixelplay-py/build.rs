//! Tells the linker on macOS that Python's symbols come later. Does nothing on other systems.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
