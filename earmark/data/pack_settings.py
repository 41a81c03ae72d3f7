"""What decides which samples a packed store holds; kept apart so that packing processes start fast."""

from typing import Literal

from pydantic import Field

from earmark.core.settings import Settings


class PackSettings(Settings):
    """How files become clips of a packed store."""

    rate_hz: int = Field(44100, ge=1)
    """The rate of every clip, whatever that of its file."""
    shortest_s: float = Field(0.002, ge=0)
    """Clips shorter than this, before trimming, are quarantined as too short."""
    silence_db: float | None = Field(-70.0, le=0)
    """A clip whose peak lies below this level, in dB of full scale, is silent; none: only digital silence is.

    -70 is where loudness meters (EBU R 128) stop hearing a programme. Samples that are all zero are always silent."""
    on_silence: Literal["keep", "quarantine"] = "keep"
    """Silent clips are kept, flagged in the index and listed in the quarantine table, or left out."""
    trim_db: float | None = Field(None, gt=0)
    """Cut off both ends what lies this far under the clip's loudest frame, as ``librosa.effects.trim`` does.

    Times in a clip then count from where its sound begins: this is not for manifests that name parts of files."""
