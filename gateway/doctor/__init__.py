"""`gateway doctor`: what stands between a caller and an answer."""

from gateway.doctor.check import Check, Patient
from gateway.doctor.examine import examine

__all__ = ["Check", "Patient", "examine"]
