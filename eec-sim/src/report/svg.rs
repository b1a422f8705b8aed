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

    /// A bar, with a text that appears when the pointer rests on it.
    pub(super) fn bar(&mut self, class: &str, (x, y): (f64, f64), (w, h): (f64, f64), title: &str) {
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}"><title>{}</title></rect>"#,
            escape(title)
        );
    }

    /// A dot that goes from stop to stop, over and over; each stop has the time that it stays there, in milliseconds.
    pub(super) fn traveller(&mut self, class: &str, stops: &[(f64, f64, u64)], title: &str, delay_ms: u64) {
        let Some((x, y, _)) = stops.first().copied() else {
            return;
        };
        // From one stop to the next it takes a part of the time that it stays.
        let total: u64 = delay_ms + stops.iter().map(|(_, _, ms)| (*ms).max(1)).sum::<u64>();
        #[allow(clippy::cast_precision_loss, reason = "minutes in milliseconds")]
        let part = |ms: u64| ms as f64 / total.max(1) as f64;
        let (mut xs, mut ys, mut times) = (Vec::new(), Vec::new(), Vec::new());
        let mut at = delay_ms;
        let mut stop = |x: f64, y: f64, time: f64| {
            xs.push(format!("{x:.0}"));
            ys.push(format!("{y:.0}"));
            times.push(format!("{time:.4}"));
        };
        stop(x, y, 0.0);
        for (x, y, ms) in stops {
            stop(*x, *y, part(at));
            at += (*ms).max(1);
            stop(*x, *y, part(at - ms / 4).min(1.0));
        }
        let last = stops.last().map_or((x, y), |(x, y, _)| (*x, *y));
        stop(last.0, last.1, 1.0);
        let seconds = part_of_seconds(total);
        let _ = writeln!(
            self.body,
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="5"><title>{}</title>"#,
            escape(title)
        );
        for (name, values) in [("cx", xs), ("cy", ys)] {
            let _ = writeln!(
                self.body,
                r#"<animate attributeName="{name}" dur="{seconds}s" repeatCount="indefinite" values="{}" keyTimes="{}"/>"#,
                values.join(";"),
                times.join(";")
            );
        }
        self.body.push_str("</circle>\n");
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

/// Seconds with one digit behind the point.
fn part_of_seconds(ms: u64) -> String {
    format!("{}.{}", ms / 1000, ms % 1000 / 100)
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
