# The grading with run lengths (rle) in R, the policy grade only: the functions of one patient, and two ways to
# hand them the patients, data.table and dplyr. Usage: see harness.R; names datatable, dplyr.
source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "harness.R"))
ANALYTES <- c("anc", "hemoglobin", "platelets")
OUTCOMES <- c(anc = "neutropenia", hemoglobin = "anemia", platelets = "thrombocytopenia")
CUTS <- list(anc = c(0.5, 1, 1.5), hemoglobin = c(-Inf, 80, 100), platelets = c(25, 50, 75))
RECOVERED <- c(anc = 1, hemoglobin = 80, platelets = 50)
SUPPORT <- c(anc = "gcsf", hemoglobin = "rbc_transfusion", platelets = "platelet_transfusion")
CELLS <- 26:28

in_one_unit <- function(number, unit) round(number * ifelse(unit == "/uL", 0.001, ifelse(unit == "g/dL", 10, 1)), 9)

grade_ctcae <- function(analyte, value, lln) {
  cuts <- do.call(rbind, CUTS[analyte])
  ifelse(value < cuts[, 1], 4, ifelse(value < cuts[, 2], 3, ifelse(value < cuts[, 3], 2, as.numeric(value < lln))))
}

# The days of the early window: gaps of at most 7 days are filled by the line between the neighbors.
fill_days <- function(day, value, last) {
  daily <- rep(NA_real_, last + 1)
  inside <- day >= 0 & day <= last
  daily[day[inside] + 1] <- value[inside]
  known <- which(!is.na(daily))
  if (length(known) > 1) {
    line <- approx(known, daily[known], seq_along(daily), rule = 2)$y
    runs <- rle(is.na(daily))
    is_filled <- rep(runs$values & runs$lengths <= 7, runs$lengths)
    daily[is_filled] <- line[is_filled]
  }
  round(round(daily * 100, 7)) / 100
}

# First place, last place and length of each run, joined over at most two days above the cut.
find_episodes <- function(low) {
  low <- !is.na(low) & low
  runs <- rle(low)
  start <- cumsum(runs$lengths) - runs$lengths + 1
  runs$values <- runs$values | (any(low) & start > which.max(low) & runs$lengths <= 2)
  joined <- rle(inverse.rle(runs))
  last <- cumsum(joined$lengths)
  data.frame(first = last - joined$lengths, last = last - 1, days = joined$lengths)[joined$values, ]
}

grade_early <- function(day, value, last) {
  daily <- fill_days(day, value, last)
  if (all(is.na(daily))) return(NA_real_)
  half <- find_episodes(daily <= 0.5)
  longest <- max(half$days, 0)
  deepest <- max(find_episodes(daily <= 0.1)$days, 0)
  if (any(half$first <= 3 & half$last == last) || deepest >= 14) return(4)
  if (longest >= 14 || deepest >= 7) 3 else if (longest >= 7) 2 else as.numeric(longest >= 1)
}

grade_late <- function(day, value, last) {
  lowest <- head(sort(value[day >= 31 & day <= last]), 2)
  if (length(lowest) == 0) return(NA_real_)
  if (lowest[length(lowest)] > 1.5) 0 else as.numeric(sum(lowest[1] <= c(1.5, 1, 0.5, 0.1)))
}

# State of one lineage on days 26 to 28, by the day itself or neighbors at most 8 days apart that agree.
judge_cells <- function(day, met) vapply(CELLS, function(at) {
  before <- which(day <= at)
  after <- which(day >= at)
  if (length(before) == 0) return(NA)
  before <- before[which.max(day[before])]
  if (length(after) == 0) return(if (at - day[before] <= 3) met[before] else NA)
  after <- after[which.min(day[after])]
  if (day[after] - day[before] <= 8 && met[before] == met[after]) met[before] else NA
}, logical(1))

judge_recovery <- function(met) if (any(!met, na.rm = TRUE)) 1 else if (anyNA(met)) NA_real_ else 0

with_datatable <- function(folder, options) function() {
  read <- function(name) fread(file.path(folder, paste0(name, ".csv")))
  labs <- read("labs")[analyte %in% ANALYTES]
  labs[, `:=`(value = in_one_unit(as.numeric(sub("<", "", value, fixed = TRUE)), unit), lln = in_one_unit(lln, unit))]
  setorder(labs, patient_id, analyte, day, value)
  labs <- unique(labs, by = c("patient_id", "analyte", "day"))
  events <- read("events")
  people <- unique(read("patients")[, .(patient_id)])
  people <- Reduce(function(one, two) merge(one, two, by = "patient_id", all.x = TRUE), list(
    people,
    events[kind == "death", .(death = min(day)), by = patient_id],
    events[kind %in% c("death", "last_contact"), .(seen = max(day)), by = patient_id],
    events[kind %in% c("progression", "next_therapy"), .(changed = min(day)), by = patient_id]
  ))
  people[, `:=`(early = pmin(30, seen, na.rm = TRUE), late = pmin(100, seen, changed, na.rm = TRUE))]
  ctcae <- labs[day %between% c(0, 28), .(grade = max(grade_ctcae(analyte, value, lln))), by = .(patient_id, analyte)]
  ctcae <- ctcae[CJ(patient_id = people$patient_id, analyte = ANALYTES), on = .(patient_id, analyte)]
  anc <- labs[analyte == "anc"][people, on = "patient_id"]
  early <- anc[, .(grade = grade_early(day, value, early[1])), by = patient_id]
  late <- anc[, .(grade = grade_late(day, value, late[1])), by = patient_id]
  cells <- labs[day %between% c(18, 36), .(day = CELLS, met = judge_cells(day, value >= RECOVERED[analyte[1]])),
    by = .(patient_id, analyte)]
  cells <- cells[CJ(patient_id = people$patient_id, analyte = ANALYTES, day = CELLS), on = .(patient_id, analyte, day)]
  support <- read("support")[, .(patient_id, kind, start, stop = fcoalesce(stop, start))]
  cells[, kind := SUPPORT[analyte]]
  held <- cells[support, on = .(patient_id, kind, day >= start, day <= stop), which = TRUE, nomatch = NULL]
  cells[held, met := FALSE]
  recovery <- cells[, .(grade = judge_recovery(met)), by = patient_id]
  recovery[people[death <= 28], grade := NA_real_, on = "patient_id"]
  fwrite(rbind(
    ctcae[, .(patient_id, outcome = OUTCOMES[analyte], grade)], early[, .(patient_id, outcome = "early", grade)],
    late[, .(patient_id, outcome = "late", grade)], recovery[, .(patient_id, outcome = "recovery", grade)]
  ), file.path(folder, "grades_datatable.csv"))
  list()
}

with_dplyr <- function(folder, options) function() {
  read <- function(name) read_csv(file.path(folder, paste0(name, ".csv")), show_col_types = FALSE, progress = FALSE)
  labs <- read("labs") %>%
    filter(analyte %in% ANALYTES) %>%
    mutate(value = in_one_unit(as.numeric(sub("<", "", value, fixed = TRUE)), unit), lln = in_one_unit(lln, unit)) %>%
    arrange(patient_id, analyte, day, value) %>%
    distinct(patient_id, analyte, day, .keep_all = TRUE)
  events <- read("events")
  people <- read("patients") %>%
    distinct(patient_id) %>%
    left_join(summarize(group_by(filter(events, kind == "death"), patient_id), death = min(day)), "patient_id") %>%
    left_join(summarize(group_by(filter(events, kind %in% c("death", "last_contact")), patient_id), seen = max(day)),
      "patient_id") %>%
    left_join(summarize(group_by(filter(events, kind %in% c("progression", "next_therapy")), patient_id),
      changed = min(day)), "patient_id") %>%
    mutate(early = pmin(30, seen, na.rm = TRUE), late = pmin(100, seen, changed, na.rm = TRUE))
  ctcae <- labs %>%
    filter(day >= 0, day <= 28) %>%
    mutate(grade = grade_ctcae(analyte, value, lln)) %>%
    group_by(patient_id, analyte) %>%
    summarize(grade = max(grade), .groups = "drop") %>%
    right_join(expand_grid(patient_id = people$patient_id, analyte = ANALYTES), c("patient_id", "analyte")) %>%
    transmute(patient_id, outcome = OUTCOMES[analyte], grade)
  courses <- labs %>%
    filter(analyte == "anc") %>%
    right_join(people, "patient_id") %>%
    group_by(patient_id) %>%
    summarize(early = grade_early(day, value, early[1]), late = grade_late(day, value, late[1])) %>%
    pivot_longer(-patient_id, names_to = "outcome", values_to = "grade")
  support <- read("support") %>% transmute(patient_id, kind, start, stop = coalesce(stop, start))
  held <- support %>%
    reframe_days() %>%
    filter(day %in% CELLS) %>%
    distinct()
  recovery <- labs %>%
    filter(day >= 18, day <= 36) %>%
    group_by(patient_id, analyte) %>%
    summarize(met = list(judge_cells(day, value >= RECOVERED[analyte[1]])), day = list(CELLS), .groups = "drop") %>%
    unnest(c(day, met)) %>%
    right_join(expand_grid(patient_id = people$patient_id, analyte = ANALYTES, day = CELLS),
      c("patient_id", "analyte", "day")) %>%
    mutate(kind = SUPPORT[analyte]) %>%
    left_join(mutate(held, is_held = TRUE), c("patient_id", "kind", "day")) %>%
    mutate(met = ifelse(is.na(is_held), met, FALSE)) %>%
    group_by(patient_id) %>%
    summarize(grade = judge_recovery(met)) %>%
    left_join(people, "patient_id") %>%
    transmute(patient_id, outcome = "recovery", grade = ifelse(!is.na(death) & death <= 28, NA, grade))
  write_csv(bind_rows(ctcae, courses, recovery), file.path(folder, "grades_dplyr.csv"))
  list()
}

# One row per day of each course of support.
reframe_days <- function(support) {
  days <- support$stop - support$start + 1
  row <- rep(seq_along(days), days)
  tibble(patient_id = support$patient_id[row], kind = support$kind[row], day = support$start[row] + sequence(days) - 1)
}

compete(list(
  datatable = list(packages = "data.table", prepare = with_datatable),
  dplyr = list(packages = c("dplyr", "readr", "tidyr"), prepare = with_dplyr)
))
