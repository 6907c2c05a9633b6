//! Charts for the documentation: small panels over a logarithmic number of users, as SVG for light and dark pages.

use std::fmt::Write as _;

/// One chart of several.
pub(crate) struct Panel<'a> {
    pub(crate) title: &'a str,
    pub(crate) curves: Vec<Curve<'a>>,
    /// A line to compare the values with.
    pub(crate) target: Option<f64>,
}

/// Values by number of users.
pub(crate) struct Curve<'a> {
    /// A label next to the last value; may be empty.
    pub(crate) name: &'a str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Size of a panel, and place and size of its curves.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 36.0;
const PLOT_WIDTH: f64 = 300.0;
const PLOT_HEIGHT: f64 = 150.0;

const STYLE: &str = "
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-weight: 600; fill: #1f2328 }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .target { stroke: #bc4c00; stroke-width: 1.5; stroke-dasharray: 5 4 }
  .c0 { stroke: #0969da; fill: #0969da } .c1 { stroke: #1a7f37; fill: #1a7f37 }
  polyline { fill: none !important; stroke-width: 2 }
  text.c0, text.c1 { stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 } .title { fill: #f0f6fc } .grid { stroke: #3d444d } .target { stroke: #f0883e }
    .c0 { stroke: #58a6ff; fill: #58a6ff } .c1 { stroke: #56d364; fill: #56d364 }
  }
";

/// Draws the panels, two per row.
pub(crate) fn svg(panels: &[Panel<'_>]) -> String {
    let (width, height) = (WIDTH * 2.0, HEIGHT * panels.len().div_ceil(2) as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n<style>{STYLE}</style>\n"
    );
    for (index, panel) in panels.iter().enumerate() {
        let (x, y) = (WIDTH * (index % 2) as f64, HEIGHT * (index / 2) as f64);
        // Writing to a string cannot fail.
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        draw_panel(&mut svg, panel);
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

fn draw_panel(svg: &mut String, panel: &Panel<'_>) {
    let _ = writeln!(svg, "<text class=\"title\" x=\"{LEFT}\" y=\"20\">{}</text>", escaped(panel.title));
    let points = || panel.curves.iter().flat_map(|curve| &curve.points);
    let (least, most) =
        points().fold((f64::MAX, f64::MIN), |(least, most), (x, _)| (least.min(*x), most.max(*x)));
    let step = step(points().map(|(_, y)| *y).chain(panel.target).fold(0.0, f64::max));
    let top = 4.0 * step;
    let x_of = |x: f64| LEFT + PLOT_WIDTH * share(x, least, most);
    let y_of = |y: f64| TOP + PLOT_HEIGHT * (1.0 - y / top);
    for line in 0..=4 {
        let (value, right) = (step * f64::from(line), LEFT + PLOT_WIDTH);
        let y = y_of(value);
        let _ =
            writeln!(svg, "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>");
        let (x, y) = (LEFT - 8.0, y + 4.0);
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>",
            tick_label(value, step)
        );
    }
    if let Some(target) = panel.target {
        let (y, right) = (y_of(target), LEFT + PLOT_WIDTH);
        let _ = writeln!(
            svg,
            "<line class=\"target\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>"
        );
    }
    for (x, _) in panel.curves.first().map(|curve| &*curve.points).unwrap_or_default() {
        let (at, y) = (x_of(*x), TOP + PLOT_HEIGHT + 20.0);
        let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", users(*x));
    }
    for (index, Curve { name, points }) in panel.curves.iter().enumerate() {
        let places: Vec<_> = points.iter().map(|(x, y)| format!("{:.1},{:.1}", x_of(*x), y_of(*y))).collect();
        let _ = writeln!(svg, "<polyline class=\"c{index}\" points=\"{}\"/>", places.join(" "));
        for (x, y) in points {
            let (at, up, users) = (x_of(*x), y_of(*y), users(*x));
            let _ = writeln!(
                svg,
                "<circle class=\"c{index}\" cx=\"{at:.1}\" cy=\"{up:.1}\" r=\"4\"><title>{users} users: {y:.3}</title></circle>"
            );
        }
        if let Some((x, y)) = points.last().filter(|_| !name.is_empty()) {
            let (at, up) = (x_of(*x) - 8.0, y_of(*y) - 9.0);
            let _ = writeln!(
                svg,
                "<text class=\"c{index}\" x=\"{at:.1}\" y=\"{up:.1}\" text-anchor=\"end\">{}</text>",
                escaped(name)
            );
        }
    }
}

/// The position of a number between two others, on a logarithmic scale.
fn share(x: f64, least: f64, most: f64) -> f64 {
    if most > least { (x / least).ln() / (most / least).ln() } else { 0.5 }
}

/// The distance between grid lines, so that four of them contain the value: 1, 2, 2.5 or 5 times a power of ten.
fn step(most: f64) -> f64 {
    let least = most.max(1e-9) / 4.0;
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= least)
        .unwrap_or(power * 10.0)
}

/// A value as a label, as precise as the distance between the grid lines.
fn tick_label(value: f64, step: f64) -> String {
    let places = if step >= 5.0 || step.fract() == 0.0 {
        0
    } else if step >= 0.5 {
        1
    } else {
        2
    };
    format!("{value:.places$}")
}

/// A number of users, as `200 k`.
fn users(users: f64) -> String {
    match users {
        users if users >= 1e6 => format!("{} M", users / 1e6),
        users if users >= 1e3 => format!("{} k", users / 1e3),
        users => users.to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: Vec<(f64, f64)>) -> String {
        svg(&[Panel { title: "a < b", curves: vec![Curve { name: "n", points }], target: Some(0.8) }])
    }

    /// All values of an attribute.
    fn attribute_values(svg: &str, attribute: &str) -> Vec<f64> {
        let start = format!(" {attribute}=\"");
        svg.split(&start).skip(1).map(|part| part.split('"').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn the_axis_of_users_is_logarithmic() {
        let svg = panel(vec![(1e4, 1.0), (1e5, 0.9), (1e7, 0.5)]);
        let (x, y) = (attribute_values(&svg, "cx"), attribute_values(&svg, "cy"));
        assert_eq!(x, [LEFT, LEFT + PLOT_WIDTH / 3.0, LEFT + PLOT_WIDTH]);
        assert_eq!(y, [TOP, TOP + PLOT_HEIGHT * 0.1, TOP + PLOT_HEIGHT * 0.5]);
        for label in [">10 k<", ">100 k<", ">10 M<", ">0.25<", ">1.00<", "class=\"target\"", "a &lt; b"] {
            assert!(svg.contains(label), "{label}: {svg}");
        }
        assert!(svg.contains("prefers-color-scheme: dark"));
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
    }

    #[test]
    fn one_size_or_nothing_but_zero_is_drawn_too() {
        for points in [vec![(1e4, 7.0)], vec![(1e4, 0.0), (1e5, 0.0)], vec![]] {
            let svg = panel(points);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn four_steps_hold_every_value_and_are_round() {
        for (most, expected) in
            [(1.0, 0.25), (1.02, 0.5), (8.0, 2.0), (37.0, 10.0), (130.0, 50.0), (4_000.0, 1_000.0)]
        {
            assert_eq!(step(most), expected, "{most}");
        }
        assert_eq!(
            (tick_label(0.25, 0.25), tick_label(0.5, 0.5), tick_label(20.0, 10.0)),
            ("0.25".into(), "0.5".into(), "20".into())
        );
    }
}
