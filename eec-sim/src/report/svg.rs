//! Bits of SVG and HTML.

use std::fmt::{Display, Write as _};

/// Text that can stand in HTML and SVG, in attributes too.
pub(super) fn escape(text: impl Display) -> String {
    let mut escaped = String::new();
    for c in text.to_string().chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A drawing in the making.
pub(super) struct Drawing {
    width: f64,
    body: String,
}

impl Drawing {
    /// An empty one of this width.
    pub(super) fn new(width: f64) -> Self {
        Self {
            width,
            body: String::new(),
        }
    }

    /// A straight line.
    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ = writeln!(
            self.body,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    /// A rectangle with round corners.
    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (w, h): (f64, f64), round: f64) {
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}" rx="{round}"/>"#
        );
    }

    /// A circle, with a text that appears when the pointer rests on it.
    pub(super) fn circle(&mut self, class: &str, (x, y): (f64, f64), r: f64, title: &str) {
        let _ = writeln!(
            self.body,
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{r}"><title>{}</title></circle>"#,
            escape(title)
        );
    }

    /// A path.
    pub(super) fn path(&mut self, class: &str, path: &str) {
        let _ = writeln!(self.body, r#"<path class="{class}" d="{path}"/>"#);
    }

    /// A text; the class says how it is aligned.
    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), text: impl Display) {
        let _ = writeln!(
            self.body,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{}</text>"#,
            escape(text)
        );
    }

    /// A horizontal arrow.
    pub(super) fn arrow(&mut self, class: &str, (x1, x2): (f64, f64), y: f64) {
        let (side, tip) = if x2 > x1 { (-7.0, x2 - 1.0) } else { (7.0, x2 + 1.0) };
        self.line(class, (x1, y), (tip, y));
        let head = format!("M {tip:.1} {y:.1} l {side:.1} -4 l 0 8 z");
        self.path(&format!("{class} head"), &head);
    }

    /// The drawing with this height; `label` tells what it shows to those who do not see it.
    pub(super) fn finish(self, height: f64, label: &str) -> String {
        let (width, body, label) = (self.width, self.body, escape(label));
        format!(r#"<svg viewBox="0 0 {width} {height:.0}" role="img" aria-label="{label}">{body}</svg>"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_place() {
        let mut drawing = Drawing::new(100.0);
        drawing.text("x", (1.0, 2.0), "</text><script>alert('1')</script>");
        let svg = drawing.finish(10.0, "\"quoted\"");
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;") && svg.contains("&quot;quoted&quot;"));
    }
}
