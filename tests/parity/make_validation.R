# Writes validation_results.csv (case, name, value), validation_resamples.csv and validation_versions.txt: the numbers
# that test_parity_of_validation.py expects. Reads cohort.csv beside this script.
# Usage: Rscript make_validation.R [folder to write to]

suppressPackageStartupMessages({
  library(rms)
  library(brglm2)
})

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here

cohort <- read.csv(file.path(here, "cohort.csv"))
cohort$doubling <- log2(cohort$ferritin)
n <- nrow(cohort)
rows <- list()
keep <- function(case, ...) {
  values <- c(...)
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}

# The optimism of three models, by rms and again by hand on the same resamples, with pairs counted one by one.
times <- 60
models <- list(
  three = event ~ anc + doubling + hemoglobin,
  one = event ~ anc,
  five = event ~ anc + doubling + hemoglobin + crp + stage
)
indices <- NULL
for (name in names(models)) {
  fit <- lrm(models[[name]], data = cohort, x = TRUE, y = TRUE, tol = 1e-12, eps = 1e-12)
  set.seed(20230515)
  checked <- validate(fit, B = times)
  set.seed(20230515)
  drawn <- t(replicate(times, sample(n, replace = TRUE)))
  if (is.null(indices)) indices <- drawn
  stopifnot(identical(indices, drawn))
  by_hand <- t(apply(drawn, 1, function(index) {
    sample_ <- cohort[index, ]
    again <- glm(models[[name]], data = sample_, family = binomial, control = list(epsilon = 1e-14, maxit = 100))
    inside <- predict(again, sample_)
    outside <- predict(again, cohort)
    line <- glm(cohort$event ~ outside, family = binomial, control = list(epsilon = 1e-14, maxit = 100))
    c(
      c_inside = unname(somers2(inside, sample_$event)["C"]), c_outside = unname(somers2(outside, cohort$event)["C"]),
      brier_inside = mean((plogis(inside) - sample_$event)^2), brier_outside = mean((plogis(outside) - cohort$event)^2),
      intercept = unname(coef(line)[1]), slope = unname(coef(line)[2])
    )
  }))
  keep(paste0("by_hand_", name), colMeans(by_hand))
  keep(paste0("validate_", name), c(
    somers_d = checked["Dxy", "index.orig"], somers_d_corrected = checked["Dxy", "index.corrected"],
    brier = checked["B", "index.orig"], brier_corrected = checked["B", "index.corrected"],
    intercept = checked["Intercept", "index.corrected"], slope = checked["Slope", "index.corrected"],
    fits = checked["Dxy", "n"]
  ))
}
write.table(indices - 1L, file.path(target, "validation_resamples.csv"),
  sep = ",", row.names = FALSE, col.names = FALSE)

# Firth's fits of the first resamples.
for (place in 1:10) {
  fit <- suppressWarnings(glm(event ~ anc + doubling + stage,
    data = cohort[indices[place, ], ], family = binomial, method = "brglmFit", type = "AS_mean",
    control = list(epsilon = 1e-12, maxit = 1000)
  ))
  keep(paste0("firth_", place), setNames(coef(fit), c("intercept", "anc", "doubling", "stage")))
  keep(paste0("firth_errors_", place), setNames(sqrt(diag(vcov(fit))), c("intercept", "anc", "doubling", "stage")))
}

# How given probabilities do on other patients: two sets of made-up predictions.
predictions <- list(
  too_sure = plogis(-1.2 + 1.4 * as.vector(scale(cohort$doubling)) - 1.1 * as.vector(scale(cohort$anc))),
  too_high = plogis(0.9 - 0.4 * as.vector(scale(cohort$anc)))
)
for (name in names(predictions)) {
  p <- predictions[[name]]
  checked <- val.prob(p, cohort$event, pl = FALSE)
  large <- glm(cohort$event ~ offset(qlogis(p)), family = binomial, control = list(epsilon = 1e-14))
  line <- glm(cohort$event ~ qlogis(p), family = binomial, control = list(epsilon = 1e-14))
  keep(paste0("external_", name),
    c_statistic = unname(checked["C (ROC)"]), brier = unname(checked["Brier"]), slope = unname(checked["Slope"]),
    intercept = unname(checked["Intercept"]), in_the_large = unname(coef(large)),
    in_the_large_error = sqrt(vcov(large)[1, 1]), slope_error = sqrt(vcov(line)[2, 2]),
    intercept_error = sqrt(vcov(line)[1, 1]),
    observed_by_expected = mean(cohort$event) / mean(p), e_max = unname(checked["Emax"]), e_average = unname(checked["Eavg"])
  )
}

# The calibration curve corrected for optimism, at 50 points.
fit <- lrm(models$three, data = cohort, x = TRUE, y = TRUE, tol = 1e-12, eps = 1e-12)
p <- sort(plogis(predict(fit)))
set.seed(20230515)
curve <- calibrate(fit, B = times, smoother = "lowess", predy = seq(p[5], p[n - 4], length = 50))
keep("calibrate_apparent", setNames(curve[, "calibrated.orig"], seq_len(50)))
keep("calibrate_corrected", setNames(curve[, "calibrated.corrected"], seq_len(50)))

write.csv(do.call(rbind, rows), file.path(target, "validation_results.csv"), row.names = FALSE, quote = FALSE)
versions <- c(R.version.string, paste("rms", packageVersion("rms")), paste("Hmisc", packageVersion("Hmisc")),
  paste("brglm2", packageVersion("brglm2")))
writeLines(versions, file.path(target, "validation_versions.txt"))
