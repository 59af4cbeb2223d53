/**
 * Autonomous systems an operator recognises, the busiest first: access networks, then mobile, business and research
 * ones. Only the order is ours; prefixes come from the data, names from whoever looks them up.
 */
export const WELL_KNOWN_ASNS = [
  7922, 7018, 3320, 701, 2856, 12322, 21928, 3215, 20115, 5089, 3352, 4134, 3269, 7545, 22773, 28573, 1221,
  55836, 33915, 812, 12430, 4713, 1136, 6830, 17676, 577, 3209, 6327, 45609, 4804, 8151, 2119, 3301, 3303,
  9121, 12874, 4766, 5483, 8447, 1257, 6739, 7738, 1759, 719, 680, 786, 1103,
] as const

/** Hosting companies: where the scanners live that every public endpoint hears from. */
export const SCANNER_ASNS = [14061, 16276, 24940, 60781, 36352] as const
