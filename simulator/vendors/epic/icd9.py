"""ICD-9-CM codes beside ICD-10-CM, as Epic's diagnosis file still has them: rows of conditions.csv to codes.

The pairs follow CMS's General Equivalence Mappings from ICD-10-CM to ICD-9-CM (the last of 2018, public domain), where
several fit the one that clinics used most; what came after 2015 has none. That Epic sends them: SOURCES.md (MAP, seen).
"""

from __future__ import annotations

ICD9: dict[str, str] = {
    "smoker": "305.1", "obesity": "278.00", "severe_obesity": "278.01", "prediabetes": "790.29", "t2dm": "250.00",
    "dm_nephropathy": "250.40", "dm_neuropathy": "250.60", "dm_retinopathy": "250.50", "htn": "401.9", "hld": "272.4",
    "cad": "414.01", "old_mi": "412", "chf": "428.9", "afib": "427.31", "stroke": "434.91", "ckd3": "585.3",
    "ckd4": "585.4", "esrd": "585.6", "copd": "496", "asthma": "493.90", "osa": "327.23", "hypothyroid": "244.9",
    "gout": "274.9", "oa_knee": "715.96", "oa_hip": "715.95", "osteoporosis": "733.00", "ra": "714.0",
    "clbp": "724.2", "fibromyalgia": "729.1", "migraine": "346.90", "epilepsy": "345.90", "alzheimers": "331.0",
    "gerd": "530.81", "gallstones": "574.20", "iron_def_anemia": "280.9", "breast_ca": "174.9", "prostate_ca": "185",
    "colon_ca": "153.9", "lung_ca": "162.9", "mdd": "296.20", "gad": "300.02", "ptsd": "309.81", "adhd": "314.01",
    "bipolar": "296.80", "schizophrenia": "295.90", "oud": "304.00", "aud": "303.90", "hiv": "042", "hepc": "070.54",
    "allergic_rhinitis": "477.9", "eczema": "691.8", "psoriasis": "696.1", "pregnancy": "V22.2",
    "viral_sinusitis": "461.9", "pharyngitis": "462", "strep": "034.0", "bronchitis": "466.0", "otitis": "382.9",
    "influenza": "487.1", "pneumonia": "486", "uti": "595.0", "ankle_sprain": "845.00", "forearm_fx": "813.80",
    "concussion": "850.0", "laceration_hand": "882.0", "appendicitis": "541", "hip_fx": "820.8", "dvt": "453.40",
    "pe": "415.19", "sepsis": "038.9", "suicidal_ideation": "V62.84", "ipv": "995.81", "homeless": "V60.0",
}  # fmt: skip
