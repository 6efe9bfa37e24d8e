"""The choices on which paper and code of INNg differ; each is a field of :mod:`inng_bench.inng.presets`."""

from enum import StrEnum


class Architecture(StrEnum):
    """The network of a classifier C_t."""

    UNPADDED = "unpadded"
    """4×4 convolutions of stride 2 without padding: one dense pass is the mean over the windows of its grid."""
    PADDED = "padded"
    """5×5 convolutions of stride 2, zero-padded: the DCGAN discriminator of the authors' code."""


class Output(StrEnum):
    """What the last layer gives."""

    LOGIT = "logit"
    """One logit and its sigmoid (paper)."""
    SOFTMAX = "softmax"
    """Two classes (authors' code); ln q(+1|x)/q(-1|x) is the difference of the two."""


class Normalisation(StrEnum):
    """Statistics that normalise the hidden layers while samples are drawn; training uses those of each batch."""

    RUNNING = "running"
    """Running averages over the training steps, behind the weights by as many steps as they average."""
    RECALIBRATED = "recalibrated"
    """Averages over batches that are evaluated once the stage's weights are final."""
    NONE = "none"
    """No batch normalisation."""


class Ascended(StrEnum):
    """What a sample climbs, averaged over its windows."""

    LOGIT = "logit"
    """ln g_t = ln q_t(+1|x)/q_t(-1|x) (paper)."""
    LOG_SIGMOID = "log-sigmoid"
    """ln q_t(+1|x), the negative cross-entropy to the label +1 (authors' code)."""


class Scope(StrEnum):
    """Which classifiers a sample climbs at stage t."""

    STAGE = "stage"
    """C_t alone, from the samples of stage t-1: the paper's short cut."""
    SUM = "sum"
    """C_1 to C_t and ln p0: the whole density of the model. Counted are the operations of the classifiers; the gradient
    of ln p0, which takes about a sixteenth of those of one of 32 filters, is not."""


class Update(StrEnum):
    """How a sample moves along the gradient."""

    LANGEVIN = "langevin"
    """½ε · gradient + N(0, εT), the paper's update."""
    ADAM = "adam"
    """Adam ascent at the rate ε plus N(0, ε²T) noise, the authors' code (there without noise)."""


class Directions(StrEnum):
    """The coordinates in which steps are taken."""

    PIXELS = "pixels"
    """Red, green and blue, in units of the range [-1, 1] (paper, authors' code)."""
    PRINCIPAL_COLOURS = "principal-colours"
    """The principal axes of the texture's colours, in units of their standard deviations."""
    SPECTRUM = "spectrum"
    """These, and wavelengths below 16 px in units of the texture's amplitude at them."""


class Stop(StrEnum):
    """When an image has climbed C_t far enough."""

    LOGIT = "logit"
    """Its mean window logit is at least the threshold; 0 is the decision boundary (paper)."""
    LOSS = "loss"
    """Its mean cross-entropy to the label +1 is at most the threshold (authors' code)."""
    REAL_QUANTILE = "real-quantile"
    """Its mean window logit is at least a quantile of those of real crops; the threshold is that quantile."""


class Together(StrEnum):
    """Whose mean a stop rule looks at."""

    IMAGE = "image"
    BATCH = "batch"


class Overlap(StrEnum):
    """Which windows of a canvas a step evaluates."""

    DENSE = "dense"
    """Every window of a regular grid, at a random offset at each step."""
    RANDOM_PATCHES = "random-patches"
    """Windows at independent random positions (authors' code)."""


class Canvas(StrEnum):
    """What lies beyond the border of a canvas."""

    TORUS = "torus"
    """Its other side: windows wrap around."""
    EXPANDED = "expanded"
    """Nothing; a margin of half a window a side is drawn too and cut off at the end (authors' code)."""


class FirstNegatives(StrEnum):
    """p0, where every chain starts."""

    GAUSSIAN = "gaussian"
    """Independent N(0, 0.3²) pixels, clipped to [-1, 1] (authors' code)."""
    MATCHED = "matched"
    """Independent Gaussian pixels with the mean and covariance of the window's colours."""
    RANDOM_PHASE = "random-phase"
    """Random phase noise with the spectrum of the window."""


class Start(StrEnum):
    """The weights with which the training of a stage begins."""

    WARM = "warm"
    """Those of the stage before (authors' code)."""
    NEW = "new"
    """New random ones."""


class Optimiser(StrEnum):
    """How a classifier learns."""

    ADAM = "adam"
    SGD = "sgd"
    """Plain stochastic gradient descent (authors' code)."""
