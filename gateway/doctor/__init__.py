"""`gateway doctor`: what stands between a caller and an answer."""

from gateway.doctor.check import Check, Patient, counts, summary
from gateway.doctor.examine import examine

__all__ = ["Check", "Patient", "counts", "examine", "summary"]
