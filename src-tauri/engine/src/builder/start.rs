//! Starting: prepare, launch, and climb the readiness ladder.

use super::{
    layout::Layout,
    news::{Launched, News, Teller, Term, Up},
};
use crate::{
    guest::{self, Target},
    image::{Disk, Image},
    keys::UserKeys,
    settings::BuilderSettings,
    vm::{Hypervisor, MachineSpec},
};
use igloo_protocol::{Accel, BuilderId, Code, PrepareStep, Problem, Rung};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A guest with a virtualised processor that is not up by then never will be. Linux boots in seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// The same for a translated one: a whole systemd takes 20 s on an idle machine, a busy one is many times slower.
const DEADLINE_TCG: Duration = Duration::from_secs(240);

/// What a guest that was let in late still has for an answer: a first start of Nix from a cold disk needs seconds.
const ANSWER: Duration = Duration::from_secs(20);

/// Prepares and launches a machine, and tells how it goes. Once a machine runs it is told of, even
/// if the start was given up meanwhile: nothing is left running unseen.
pub async fn launch<H: Hypervisor>(
    id: BuilderId,
    hypervisor: Arc<H>,
    (layout, keys): (Layout, UserKeys),
    settings: BuilderSettings,
    term: Term,
    teller: Teller,
) {
    match try_launch(id, &*hypervisor, (&layout, &keys), &settings, &term, &teller).await {
        Ok(Some(launched)) => teller.tell(News::Launched(Box::new(launched))),
        Ok(None) => {}
        Err(problem) => teller.tell(News::Failed(term, problem)),
    }
}

async fn try_launch<H: Hypervisor>(
    id: BuilderId,
    hypervisor: &H,
    (layout, keys): (&Layout, &UserKeys),
    settings: &BuilderSettings,
    term: &Term,
    teller: &Teller,
) -> Result<Option<Launched>, Problem> {
    let step = |step| teller.tell(News::Step(term.clone(), step));
    step(PrepareStep::Image);
    let image = open_image(id, settings)?;
    step(PrepareStep::Store);
    let store = layout.stores().ensure(&image).await?;
    step(PrepareStep::Keys);
    let (keys, shares) = layout.prepare(&image, keys.ensure().await?)?;
    let no_certificates = layout.certificates(&image)?;
    step(PrepareStep::Disk);
    let disk = prepare_disk(id, layout, &image, settings).await?;
    if !term.is_current() {
        return Ok(None);
    }
    step(PrepareStep::Launch);
    let spec = MachineSpec {
        id,
        image: image.clone(),
        disk: disk.path,
        store,
        cores: settings.cores,
        memory_mib: settings.memory_mib,
        shares,
        ephemeral: disk.ephemeral,
        accel: settings.accel,
    };
    let vm = Arc::new(hypervisor.start(&spec, layout.run_dir(), &|_| {}).await?);
    let warning = disk.warning.or(no_certificates);
    Ok(Some(Launched { vm, image, keys, warning, started: Some((spec, settings.clone())) }))
}

/// Opens the image that the settings name, and sees that it is for this builder.
///
/// # Errors
/// [`Code::NoImage`], [`Code::BadManifest`], [`Code::BadImage`], [`Code::WrongSystem`]
fn open_image(id: BuilderId, settings: &BuilderSettings) -> Result<Image, Problem> {
    let folder = settings.image.as_ref().ok_or_else(|| {
        Problem::new(
            Code::NoImage,
            format!("no image is chosen for the builder {id}"),
            format!("make one with `igloo image build --builder {id}`, or choose one with `igloo image use FOLDER --builder {id}`"),
        )
    })?;
    let image = Image::open(folder)?;
    if image.manifest.system != id.system() {
        return Err(Problem::new(
            Code::WrongSystem,
            format!(
                "the image {} is for {}, not for {}",
                folder.display(),
                image.manifest.system,
                id.system()
            ),
            format!("choose another with `igloo image use FOLDER --builder {id}`"),
        ));
    }
    Ok(image)
}

async fn prepare_disk(
    id: BuilderId,
    layout: &Layout,
    image: &Image,
    settings: &BuilderSettings,
) -> Result<Disk, Problem> {
    let reset = layout.reset_asked();
    let disk = layout.disks(id).prepare(image, settings.disk_gib, settings.ephemeral, reset).await?;
    if reset && !disk.ephemeral {
        layout.reset_done()?;
    }
    Ok(disk)
}

/// Whether a guest boots, or was up before and is looked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Climb {
    /// It boots: if it does not come up, something is wrong with it.
    First,
    /// It was up: if it does not answer, it may be busy, and is left alone.
    Again,
}

/// Climbs the ladder of a machine that runs, and tells how it goes.
pub async fn climb(id: BuilderId, target: Target, accel: Accel, climb: Climb, term: Term, teller: Teller) {
    let deadline = if accel == Accel::Tcg { DEADLINE_TCG } else { DEADLINE };
    let rung = |rung| teller.tell(News::Climbed(term.clone(), rung));
    match try_climb(id, &target, deadline, rung).await {
        Ok(up) => teller.tell(News::Ready(term, Box::new(up))),
        Err(mut problem) => {
            if climb == Climb::Again && problem.code == Code::BootTimeout {
                problem.code = Code::GuestUnreachable;
            }
            teller.tell(News::Failed(term, problem));
        }
    }
}

async fn try_climb(
    id: BuilderId,
    target: &Target,
    deadline: Duration,
    rung: impl Fn(Rung) + Send + Sync,
) -> Result<Up, Problem> {
    rung(Rung::Qmp);
    let end = Instant::now() + deadline;
    let left = || end.saturating_duration_since(Instant::now()).max(ANSWER);
    let guest = guest::connect(target, deadline, &rung).await?;
    let daemon = guest.daemon(left()).await?;
    rung(Rung::Daemon);
    let nix = guest.systems(left()).await?;
    if !nix.systems.iter().any(|s| s == id.system().as_str()) {
        return Err(Problem::new(
            Code::WrongSystem,
            format!("the guest builds {}, not {}", nix.systems.join(", "), id.system()),
            format!("choose another image with `igloo image use FOLDER --builder {id}`"),
        ));
    }
    rung(Rung::Systems);
    Ok(Up { guest, daemon, nix })
}
