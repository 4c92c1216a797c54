//! Which of the four pictures the status item shows, each with or without the badge that says that builds run.
//! Colour is never the only difference between them.

use igloo_protocol::Phase;
use tauri::{image::Image, include_image};

/// The picture of the status item. Its sources are `icons/src/tray-*.svg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silhouette {
    /// An outline: nothing runs.
    Stopped,
    /// Half built: something starts or stops.
    Busy,
    /// Built: Nix can build on something.
    Ready,
    /// With an exclamation mark: something failed.
    Problem,
}

impl Silhouette {
    /// The picture for builders in these phases: what wants the user's eye most comes first.
    pub fn of<'p>(phases: impl Iterator<Item = &'p Phase>) -> Silhouette {
        phases.map(Silhouette::one).max_by_key(|s| s.rank()).unwrap_or(Silhouette::Stopped)
    }

    fn one(phase: &Phase) -> Silhouette {
        match phase {
            Phase::Stopped => Silhouette::Stopped,
            Phase::Ready => Silhouette::Ready,
            Phase::Failed { .. } => Silhouette::Problem,
            Phase::Preparing { .. } | Phase::Booting { .. } | Phase::Draining { .. } | Phase::Stopping => {
                Silhouette::Busy
            }
        }
    }

    fn rank(self) -> u8 {
        match self {
            Silhouette::Stopped => 0,
            Silhouette::Ready => 1,
            Silhouette::Busy => 2,
            Silhouette::Problem => 3,
        }
    }

    /// Black with alpha, 44 px: macOS colours it for the bar that it is in. `badge`: builds run.
    pub fn template(self, badge: bool) -> Image<'static> {
        match (self, badge) {
            (Silhouette::Stopped, _) => include_image!("icons/tray/template-stopped-44.png"),
            (Silhouette::Busy, false) => include_image!("icons/tray/template-busy-44.png"),
            (Silhouette::Busy, true) => include_image!("icons/tray/template-busy-builds-44.png"),
            (Silhouette::Ready, false) => include_image!("icons/tray/template-ready-44.png"),
            (Silhouette::Ready, true) => include_image!("icons/tray/template-ready-builds-44.png"),
            (Silhouette::Problem, false) => include_image!("icons/tray/template-problem-44.png"),
            (Silhouette::Problem, true) => include_image!("icons/tray/template-problem-builds-44.png"),
        }
    }

    /// In a colour that can be seen on light and on dark, 44 px, for panels that don't colour it.
    pub fn coloured(self, badge: bool) -> Image<'static> {
        match (self, badge) {
            (Silhouette::Stopped, _) => include_image!("icons/tray/panel-stopped-44.png"),
            (Silhouette::Busy, false) => include_image!("icons/tray/panel-busy-44.png"),
            (Silhouette::Busy, true) => include_image!("icons/tray/panel-busy-builds-44.png"),
            (Silhouette::Ready, false) => include_image!("icons/tray/panel-ready-44.png"),
            (Silhouette::Ready, true) => include_image!("icons/tray/panel-ready-builds-44.png"),
            (Silhouette::Problem, false) => include_image!("icons/tray/panel-problem-44.png"),
            (Silhouette::Problem, true) => include_image!("icons/tray/panel-problem-builds-44.png"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{failed, phases};
    use super::*;

    const ALL: [Silhouette; 4] =
        [Silhouette::Stopped, Silhouette::Busy, Silhouette::Ready, Silhouette::Problem];

    #[test]
    fn one_builder_has_the_picture_of_its_phase() {
        use Silhouette::*;
        let pictures: Vec<_> = phases().iter().map(|p| Silhouette::of([p].into_iter())).collect();
        assert_eq!(pictures, [Stopped, Busy, Busy, Busy, Ready, Busy, Busy, Problem]);
    }

    #[test]
    fn of_two_builders_the_one_that_wants_an_eye_counts() {
        let of = |a: &Phase, b: &Phase| {
            let (one, other) = (Silhouette::of([a, b].into_iter()), Silhouette::of([b, a].into_iter()));
            assert_eq!(one, other);
            one
        };
        assert_eq!(of(&Phase::Stopped, &Phase::Ready), Silhouette::Ready);
        assert_eq!(of(&Phase::Stopping, &Phase::Ready), Silhouette::Busy);
        assert_eq!(of(&failed("it fell"), &Phase::Ready), Silhouette::Problem);
        assert_eq!(Silhouette::of(std::iter::empty()), Silhouette::Stopped);
    }

    #[test]
    fn a_template_is_black_and_the_pictures_differ_in_shape() {
        let alpha = |i: &Image<'_>| i.rgba().chunks(4).map(|p| p[3]).collect::<Vec<_>>();
        let mut shapes: Vec<Vec<u8>> = vec![];
        for s in ALL {
            let (template, coloured) = (s.template(false), s.coloured(false));
            for i in [&template, &coloured] {
                assert_eq!((i.width(), i.height()), (44, 44));
            }
            assert!(template.rgba().chunks(4).all(|p| p[..3] == [0, 0, 0]), "{s:?} is not black");
            let shape = alpha(&template);
            assert_eq!(shape, alpha(&coloured), "{s:?} has two shapes");
            for other in &shapes {
                let differing = shape.iter().zip(other).filter(|(a, b)| a.abs_diff(**b) > 128).count();
                // a tenth of the picture: less could be overlooked at 22 px
                assert!(differing > 44 * 44 / 10, "{s:?} differs from another in {differing} px only");
            }
            shapes.push(shape);
        }
    }

    #[test]
    fn the_badge_is_added_and_takes_nothing_away() {
        let alpha = |i: Image<'_>| i.rgba().chunks(4).map(|p| p[3]).collect::<Vec<_>>();
        for s in ALL {
            for (without, with) in
                [(s.template(false), s.template(true)), (s.coloured(false), s.coloured(true))]
            {
                let (without, with) = (alpha(without), alpha(with));
                assert!(without.iter().zip(&with).all(|(a, b)| a <= b), "{s:?}");
                let added = without.iter().zip(&with).filter(|(a, b)| *b - *a > 128).count();
                // about 5 px across of 22
                let expected = if s == Silhouette::Stopped { 0..=0 } else { 60..=120 };
                assert!(expected.contains(&added), "{s:?}: {added} px");
            }
        }
    }
}
