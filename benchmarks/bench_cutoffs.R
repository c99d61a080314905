# Times of cutpointr and pROC for bench_cutoffs.py: one line "name seconds" per run. Usage:
# Rscript bench_cutoffs.R cuts file.csv resamples runs | Rscript bench_cutoffs.R auc file.csv runs
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[2])
if (arguments[1] == "cuts") {
  suppressPackageStartupMessages(library(cutpointr))
  for (run in seq_len(as.integer(arguments[4]))) {
    set.seed(run)
    seconds <- system.time(suppressMessages(cutpointr(
      data, value, event,
      pos_class = 1, neg_class = 0, direction = ">=", method = maximize_metric, metric = youden,
      use_midpoints = TRUE, break_ties = c, boot_runs = as.integer(arguments[3])
    )))
    cat("cutpointr", seconds[["elapsed"]], sum(seconds[1:2]), "\n")
  }
} else {
  suppressPackageStartupMessages(library(pROC))
  for (run in seq_len(as.integer(arguments[3]))) {
    seconds <- system.time({
      curve <- roc(data$event, data$value, levels = c(0, 1), direction = "<", quiet = TRUE)
      limits <- ci.auc(curve, method = "delong")
    })
    cat("pROC", seconds[["elapsed"]], sum(seconds[1:2]), sprintf("%.12f", as.numeric(auc(curve))), "\n")
  }
}
cat("version", R.version.string, "cutpointr", as.character(packageVersion("cutpointr")), "pROC",
  as.character(packageVersion("pROC")), "\n")
