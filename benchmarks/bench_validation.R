# Times of rms::validate for bench_validation.py: one line "rms seconds cpu somers_d slope" per run.
# Usage: Rscript bench_validation.R file.csv resamples runs
suppressPackageStartupMessages(library(rms))
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1])
fit <- lrm(event ~ ., data = data, x = TRUE, y = TRUE)
for (run in seq_len(as.integer(arguments[3]))) {
  set.seed(run)
  seconds <- system.time(checked <- validate(fit, B = as.integer(arguments[2])))
  cat("rms", seconds[["elapsed"]], sum(seconds[1:2]), checked["Dxy", "index.corrected"],
    checked["Slope", "index.corrected"], "\n")
}
cat("version", R.version.string, "rms", as.character(packageVersion("rms")), "\n")
