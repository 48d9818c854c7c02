"""What models of each family write, and what it means. Written here, in the shape of the families' documentation."""

from __future__ import annotations

from tests.chat.transcripts_glm_to_solar import GLM_TO_SOLAR
from tests.chat.transcripts_plain_to_harmony import PLAIN_TO_HARMONY

TRANSCRIPTS = (*PLAIN_TO_HARMONY, *GLM_TO_SOLAR)
