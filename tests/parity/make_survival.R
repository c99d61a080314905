# Writes survival_results.csv (case, name, value) and survival_versions.txt: the numbers that test_parity_of_curves.py
# expects. Usage: Rscript make_survival.R [folder to write to]; reads times.csv beside this script. The small samples
# are typed here and again in the test.

suppressPackageStartupMessages({
  library(survival)
  library(cmprsk)
})

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here

rows <- list()
keep <- function(case, ...) {
  values <- c(...)
  values <- values[!is.na(values)]
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}

samples <- list(all = read.csv(file.path(here, "times.csv")))
samples$a <- samples$all[samples$all$group == "a", ]
samples$b <- samples$all[samples$all$group == "b", ]
samples$small <- data.frame(time = c(0, 0, 3, 3, 5, 8, 8, 9), event = c(1, 2, 1, 0, 2, 1, 1, 0))
samples$all_recover <- data.frame(time = c(2, 4, 4, 7), event = c(1, 1, 1, 1))
samples$none <- data.frame(time = c(2, 4, 6), event = c(0, 2, 0))
days <- c(0, 3, 7, 14, 28, 60, 100)

for (name in names(samples)) {
  rowset <- samples[[name]]
  state <- factor(rowset$event, 0:2, c("censored", "recovery", "death"))
  # cmprsk and survfit leave out what happens on day 0 or before; half a day later nothing else changes.
  fit <- survfit(Surv(rowset$time + 0.5, state) ~ 1, conf.type = "log-log")
  for (day in days) {
    at <- summary(fit, times = day + 0.5, extend = TRUE)
    column <- match(c("recovery", "death"), at$states)
    for (place in 1:2) {
      case <- paste("survfit", name, c("recovery", "death")[place], day, sep = "_")
      keep(case, estimate = at$pstate[1, column[place]], standard_error = at$std.err[1, column[place]],
        low = at$lower[1, column[place]], high = at$upper[1, column[place]])
    }
  }
  gray <- cuminc(rowset$time + 0.5, rowset$event, cencode = 0)
  points <- timepoints(gray, days + 0.5)
  for (place in seq_len(nrow(points$est))) {
    cause <- c("recovery", "death")[as.integer(sub("^1 ", "", rownames(points$est)[place]))]
    for (column in seq_along(days)) {
      value <- points$est[place, column]
      if (!is.na(value)) keep(paste("cuminc", name, cause, days[column], sep = "_"), estimate = value)
    }
  }
}

write.csv(do.call(rbind, rows), file.path(target, "survival_results.csv"), row.names = FALSE, quote = FALSE)
versions <- c(R.version.string, paste("survival", packageVersion("survival")), paste("cmprsk", packageVersion("cmprsk")))
writeLines(versions, file.path(target, "survival_versions.txt"))
