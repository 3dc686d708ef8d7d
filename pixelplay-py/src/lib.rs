//! Python bindings of PixelPlay; they come with a later version.
