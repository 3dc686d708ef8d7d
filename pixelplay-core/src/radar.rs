//! A radar chart of songs and moods, as an SVG picture.

use std::f64::consts::TAU;
use std::fmt::{self, Write};

use crate::mood::Mood;
use crate::song::{Song, Value};

/// The axes, clockwise from the top; each goes from 0 in the middle to 1.
pub const AXES: [&str; 6] =
    ["energy", "valence", "danceability", "acousticness", "instrumentalness", "liveness"];

/// Colours with a contrast of at least 3:1 against white and against the dark grey of dark themes
/// (WCAG 2.2, contrast of graphics).
const COLOURS: [&str; 6] = ["#2f7de1", "#d9650b", "#0f9a72", "#9b59d0", "#d6425c", "#7a8594"];
/// Dash patterns, so that the series can also be distinguished without colours.
const DASHES: [&str; 3] = ["", "6 3", "2 3"];
const RADIUS: f64 = 100.0;
/// Space for the names of the axes, even in wide fonts such as DejaVu Sans and Verdana.
const MARGIN: (f64, f64) = (78.0, 28.0);
const LEGEND_LINE: f64 = 20.0;
/// The maximum number of characters of a name in the legend.
const MOST_CHARACTERS: usize = 40;

/// One outline of the chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// A value for each of [`AXES`]; `None` if it is unknown, in which case the outline skips the
    /// axis.
    pub values: [Option<f64>; AXES.len()],
}

impl Series {
    /// Creates a series from the audio features of a song.
    #[must_use]
    pub fn of_song(name: impl Into<String>, song: &Song) -> Self {
        Self {
            name: name.into(),
            values: AXES.map(|axis| match song.get(axis) {
                Some(Value::Real(value)) => Some(value),
                _ => None,
            }),
        }
    }

    /// Creates a series from the mood of a picture, which has values for only some of the axes.
    #[must_use]
    pub fn of_mood(name: impl Into<String>, mood: &Mood) -> Self {
        Self { name: name.into(), values: AXES.map(|axis| mood.get(axis)) }
    }
}

/// Options for drawing a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadarOptions {
    /// The displayed width in CSS pixels; the height follows from it.
    pub width: u32,
    /// Whether to label the axes and add a legend below. Without text, the chart is a small shape,
    /// suitable for a table cell.
    pub text: bool,
}

impl Default for RadarOptions {
    fn default() -> Self {
        Self { width: 360, text: true }
    }
}

/// Draws series on top of each other, with their values as a description for screen readers.
///
/// Values outside 0 to 1 are drawn at the border, and NaN counts as unknown. In a web page, text
/// and lines take the colour of the surrounding text; as a separate file, the chart follows the
/// reader's preferred light or dark scheme. Names may contain any characters; they are escaped.
///
/// ```
/// use pixelplay_core::radar::{RadarOptions, Series, radar_svg};
/// use pixelplay_core::{Song, SongId};
///
/// let mut song = Song::new(SongId::new("a").unwrap());
/// (song.energy, song.valence, song.danceability) = (Some(0.9), Some(0.4), Some(0.7));
/// let svg = radar_svg(&[Series::of_song("Storm & Stress", &song)], &RadarOptions::default());
/// assert!(svg.starts_with("<svg ") && svg.contains("Storm &amp; Stress"));
/// ```
#[must_use]
pub fn radar_svg(series: &[Series], options: &RadarOptions) -> String {
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = draw(&mut svg, series, options);
    svg
}

fn draw(svg: &mut String, series: &[Series], options: &RadarOptions) -> fmt::Result {
    let (side, top) = if options.text { MARGIN } else { (4.0, 4.0) };
    let legend = if options.text { LEGEND_LINE * series.len() as f64 } else { 0.0 };
    let (width, height) = (2.0 * (RADIUS + side), 2.0 * (RADIUS + top) + legend);
    let shown = (f64::from(options.width) * height / width).round();
    write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pixelplay-radar\" role=\"img\" \
         width=\"{}\" height=\"{shown}\" viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"12\" fill=\"none\" stroke-linejoin=\"round\">",
        options.width
    )?;
    let names: Vec<String> = series.iter().map(|series| shortened(&series.name)).collect();
    write!(svg, "<title>{}</title><desc>", Escaped(&names.join(", ")))?;
    for (series, name) in series.iter().zip(&names) {
        write!(svg, "{}:", Escaped(name))?;
        for (axis, value) in AXES.iter().zip(&series.values) {
            if let Some(value) = known(*value) {
                write!(svg, " {axis} {value:.2}")?;
            }
        }
        svg.push_str(". ");
    }
    // This element is `:root` only if the SVG is a separate file, not part of a page.
    svg.push_str(
        "</desc><style>svg.pixelplay-radar:root{color:#1f2328}\
         @media (prefers-color-scheme:dark){svg.pixelplay-radar:root{color:#e6edf3}}</style>",
    );

    let centre = (RADIUS + side, RADIUS + top);
    let at = |axis: usize, share: f64| {
        let angle = TAU * axis as f64 / AXES.len() as f64;
        (centre.0 + RADIUS * share * angle.sin(), centre.1 - RADIUS * share * angle.cos())
    };
    svg.push_str("<g stroke=\"currentColor\" stroke-opacity=\"0.25\">");
    for ring in [0.25, 0.5, 0.75, 1.0] {
        let corners: Vec<_> = (0..AXES.len()).map(|axis| at(axis, ring)).collect();
        write!(svg, "<polygon points=\"{}\"/>", Points(&corners))?;
    }
    for axis in 0..AXES.len() {
        let spoke = [centre, at(axis, 1.0)];
        write!(svg, "<polyline points=\"{}\"/>", Points(&spoke))?;
    }
    svg.push_str("</g>");

    for (number, series) in series.iter().enumerate() {
        let corners: Vec<_> = (series.values.iter().enumerate())
            .filter_map(|(axis, value)| Some(at(axis, known(*value)?)))
            .collect();
        let colour = COLOURS[number % COLOURS.len()];
        write!(
            svg,
            "<g stroke=\"{colour}\" fill=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{}\">\
             <polygon points=\"{}\" fill-opacity=\"0.15\"/>",
            DASHES[number % DASHES.len()],
            Points(&corners)
        )?;
        for (x, y) in corners {
            write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>")?;
        }
        svg.push_str("</g>");
    }

    if options.text {
        svg.push_str("<g fill=\"currentColor\">");
        for (axis, name) in AXES.iter().enumerate() {
            let (mut x, mut y) = at(axis, 1.1);
            let (anchor, inwards) = match x - centre.0 {
                dx if dx > 1.0 => ("start", -1.0),
                dx if dx < -1.0 => ("end", 1.0),
                _ => ("middle", 0.0),
            };
            if inwards != 0.0 && y > centre.1 {
                // The name is placed below the corner. Next to it, the longest names would need a
                // margin half as wide again.
                (x, y) = (x + 22.7 * inwards, y + 8.0);
            }
            y += 4.0;
            write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{name}</text>")?;
        }
        svg.push_str("</g>");
        for (number, name) in names.iter().enumerate() {
            let y = 2.0 * (RADIUS + top) + LEGEND_LINE * (number as f64 + 0.5);
            let line = [(8.0, y), (32.0, y)];
            write!(
                svg,
                "<polyline points=\"{}\" stroke=\"{}\" stroke-width=\"3\" stroke-dasharray=\"{}\"/>\
                 <text x=\"40\" y=\"{:.1}\" fill=\"currentColor\">{}</text>",
                Points(&line),
                COLOURS[number % COLOURS.len()],
                DASHES[number % DASHES.len()],
                y + 4.0,
                Escaped(name)
            )?;
        }
    }
    svg.push_str("</svg>");
    Ok(())
}

fn known(value: Option<f64>) -> Option<f64> {
    value.filter(|value| !value.is_nan()).map(|value| value.clamp(0.0, 1.0))
}

fn shortened(name: &str) -> String {
    let mut shown: String = name.chars().take(MOST_CHARACTERS).collect();
    if name.chars().nth(MOST_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

struct Points<'a>(&'a [(f64, f64)]);

impl fmt::Display for Points<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (x, y)) in self.0.iter().enumerate() {
            let space = if at > 0 { " " } else { "" };
            write!(f, "{space}{x:.1},{y:.1}")?;
        }
        Ok(())
    }
}

/// Text between tags. XML cannot represent most control characters, nor U+FFFE and U+FFFF.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(name: &str, values: [Option<f64>; AXES.len()]) -> Series {
        Series { name: name.to_owned(), values }
    }

    fn svg(series: &[Series]) -> String {
        radar_svg(series, &RadarOptions::default())
    }

    /// Returns the outline of the only series.
    fn outline(values: [Option<f64>; AXES.len()]) -> String {
        let svg = svg(&[series("x", values)]);
        let (_, behind) = svg.split_once("stroke-dasharray=\"\"><polygon points=\"").unwrap();
        behind.split_once('"').unwrap().0.to_owned()
    }

    #[test]
    fn values_lie_on_their_axes() {
        // Centre (178, 128), radius 100: energy points up, acousticness down, and neighbouring axes
        // are 60 degrees apart.
        let full = "178.0,28.0 264.6,78.0 264.6,178.0 178.0,228.0 91.4,178.0 91.4,78.0";
        assert_eq!(outline([Some(1.0); 6]), full);
        assert_eq!(
            outline([Some(0.0), None, None, Some(0.5), None, None]),
            "178.0,128.0 178.0,178.0"
        );
        assert_eq!(outline([Some(f64::INFINITY); 6]), full);
        assert_eq!(outline([Some(f64::NAN); 6]), "");
    }

    #[test]
    fn each_series_has_a_legend_and_a_look_of_its_own() {
        let svg = svg(&[series("Song", [Some(0.5); 6]), series("Picture", [Some(0.7); 6])]);
        assert!(svg.contains(">Song</text>") && svg.contains(">Picture</text>"));
        assert!(svg.contains("Song: energy 0.50 valence 0.50"));
        for colour in &COLOURS[..2] {
            assert_eq!(svg.matches(&format!("stroke=\"{colour}\"")).count(), 2);
        }
        let small = RadarOptions { width: 48, text: false };
        assert!(!radar_svg(&[series("Song", [None; 6])], &small).contains("<text"));
    }

    #[test]
    fn the_names_of_the_axes_fit() {
        let svg = svg(&[]);
        let width = 2.0 * (RADIUS + MARGIN.0);
        assert!(svg.contains(&format!("viewBox=\"0 0 {width} ")));
        for axis in AXES {
            let (before, _) = svg.split_once(&format!("\">{axis}</text>")).unwrap();
            let (_, text) = before.rsplit_once("<text x=\"").unwrap();
            let x: f64 = text.split('"').next().unwrap().parse().unwrap();
            // DejaVu Sans, the widest of the usual fonts, takes 104 units for the 16 letters of
            // "instrumentalness".
            let long = 6.5 * axis.len() as f64;
            let left = match text.rsplit('"').next().unwrap() {
                "start" => x,
                "middle" => x - long / 2.0,
                "end" => x - long,
                other => panic!("{other}"),
            };
            assert!(0.0 <= left && left + long <= width, "{axis} at {left}");
        }
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_the_picture(name in any::<String>(), text in any::<bool>()) {
            let hostile = format!("{name}<script>\"'&\u{0}\u{ffff}");
            let found = radar_svg(
                &[series(&hostile, [Some(0.5); 6])],
                &RadarOptions { text, ..RadarOptions::default() },
            );
            let plain = radar_svg(
                &[series("", [Some(0.5); 6])],
                &RadarOptions { text, ..RadarOptions::default() },
            );
            prop_assert_eq!(found.matches('<').count(), plain.matches('<').count());
            prop_assert_eq!(found.matches('"').count(), plain.matches('"').count());
            let unwritable = |c: char| c.is_control() || c == char::from_u32(0xffff).unwrap();
            prop_assert!(!found.contains(unwritable));
        }
    }
}
