"""A student's architecture without its weights: enough to count what it costs."""

from collections.abc import Mapping
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from bench.track import ConfigError, Track
from leaderboard.store.reading import nearest


def config_of(shape: Mapping[str, Any]) -> PretrainedConfig:
    """The config that `shape`, the keywords of transformers' AutoConfig, describes.

    ConfigError for an unknown key, which transformers would take without a word, and for values
    that are no architecture.
    """
    model_type = str(shape.get("model_type"))
    try:
        known = AutoConfig.for_model(model_type).to_dict()
        for key in shape:
            if key not in known:
                raise ConfigError(f"shape: unknown key '{key}'; {nearest(key, sorted(known))}")
        return AutoConfig.for_model(**shape)
    except (ValueError, StrictDataclassError) as error:
        if isinstance(error, ConfigError):
            raise
        reason = str(error).strip().splitlines()[-1].strip()
        raise ConfigError(f"shape: no architecture '{model_type}': {reason[:200]}") from error


def meta_model(shape: Mapping[str, Any]) -> PreTrainedModel:
    """The model of that shape on the meta device: parameters without storage, nothing computed."""
    config = config_of(shape)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config).eval()


def shape_of(track: Track) -> dict[str, Any]:
    """The shape of the track's student; ConfigError for a track that does not say it."""
    if track.student.scratch is not None:
        scratch = track.student.scratch
        return {**scratch.config, "vocab_size": scratch.vocab_size}
    if not track.student.shape:
        raise ConfigError(
            f"track '{track.name}' does not say its student's shape: add [student.shape] with"
            " model_type, hidden_size and the other settings of its config.json"
        )
    return track.student.shape
