# Writes cutoffs_resamples.csv (rows drawn), cutoffs_results.csv (case, name, value) and cutoffs_versions.txt.
# Usage: Rscript make_cutoffs.R [folder to write to]; reads cutoffs_data.csv beside this script.
# cutpointr finds the cut of every resample; of several the one with the highest sensitivity, of these the
# lowest, is kept. It calls a value at the cut positive in both directions; here one at the cut is above it.

suppressPackageStartupMessages({
  library(pROC)
  library(cutpointr)
})

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here
resamples <- 25

data <- read.csv(file.path(here, "cutoffs_data.csv"))
rows <- list()
drawn <- list()
keep <- function(case, values) {
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}

count_at <- function(value, event, cut, is_high) {
  positive <- if (is_high) value >= cut else value < cut
  c(
    tp = sum(positive & event == 1), fn = sum(!positive & event == 1),
    tn = sum(!positive & event == 0), fp = sum(positive & event == 0)
  )
}

find_cut <- function(value, event, is_high) {
  if (length(unique(event)) < 2) return(NA)
  found <- suppressMessages(cutpointr(
    data.frame(x = value, class = event), x, class,
    pos_class = 1, neg_class = 0, direction = if (is_high) ">=" else "<=",
    method = maximize_metric, metric = youden, use_midpoints = TRUE, break_ties = c, tol_metric = 1e-12
  ))
  cuts <- unlist(found$optimal_cutpoint)
  if (unlist(found$youden)[1] <= 1e-12) return(NA)
  sensitivity <- sapply(cuts, function(cut) count_at(value, event, cut, is_high)["tp"])
  cuts[order(-sensitivity, cuts)][1]
}

wilson <- function(x, n) suppressWarnings(prop.test(x, n, correct = FALSE)$conf.int)

for (case in unique(data$case)) {
  part <- data[data$case == case, ]
  is_high <- part$high_means_event[1] == 1
  value <- part$value
  event <- part$event

  curve <- pROC::roc(event, value, levels = c(0, 1), direction = if (is_high) "<" else ">", quiet = TRUE)
  best <- pROC::coords(curve, "best",
    best.method = "youden", ret = c("threshold", "sensitivity", "specificity", "ppv", "npv", "youden"), transpose = FALSE
  )
  best <- best[order(-best$sensitivity, best$threshold), ][1, ]
  # Without a cut better than chance there is nothing to describe.
  if (best$sensitivity + best$specificity > 1 + 1e-12) {
    keep(case, c(
      cut = best$threshold, sensitivity = best$sensitivity, specificity = best$specificity, ppv = best$ppv,
      npv = best$npv, youden = best$sensitivity + best$specificity - 1
    ))
    keep(case, c(cutpointr_cut = find_cut(value, event, is_high)))

    at <- count_at(value, event, best$threshold, is_high)
    shares <- list(
      sensitivity = c(at["tp"], at["tp"] + at["fn"]), specificity = c(at["tn"], at["tn"] + at["fp"]),
      ppv = c(at["tp"], at["tp"] + at["fp"]), npv = c(at["tn"], at["tn"] + at["fn"])
    )
    for (name in names(shares)) {
      share <- unname(shares[[name]])
      score <- wilson(share[1], share[2])
      exact <- binom.test(share[1], share[2])$conf.int
      values <- c(score, exact)
      names(values) <- paste0(name, c("_wilson_low", "_wilson_high", "_exact_low", "_exact_high"))
      keep(case, values)
    }
    # Newcombe 1998, method 10, for sensitivity - (1 - specificity)
    one <- wilson(at["tp"], at["tp"] + at["fn"])
    two <- wilson(at["fp"], at["tn"] + at["fp"])
    p1 <- best$sensitivity
    p2 <- 1 - best$specificity
    keep(case, c(
      youden_low = p1 - p2 - sqrt((p1 - one[1])^2 + (two[2] - p2)^2),
      youden_high = p1 - p2 + sqrt((one[2] - p1)^2 + (p2 - two[1])^2)
    ))
  }

  test <- suppressWarnings(ks.test(value[event == 1], value[event == 0], exact = TRUE))
  cuts <- sort(unique(value))[-1]
  squared <- sapply(cuts, function(cut) {
    suppressWarnings(chisq.test(table(factor(value >= cut), factor(event)), correct = FALSE)$statistic)
  })
  n <- length(value)
  keep(case, c(
    ks_statistic = unname(test$statistic), ks_p = test$p.value,
    chi_statistic = sqrt(max(squared) * (n - 1) / n)
  ))

  set.seed(20261128 + match(case, unique(data$case)))
  found <- matrix(NA, resamples, 5, dimnames = list(NULL, c("cut", "tp", "fn", "tn", "fp")))
  for (number in seq_len(resamples)) {
    index <- sample.int(n, n, replace = TRUE)
    drawn[[length(drawn) + 1]] <- data.frame(case = case, resample = number, rows = paste(index - 1, collapse = " "))
    cut <- find_cut(value[index], event[index], is_high)
    if (!is.na(cut)) {
      outside <- setdiff(seq_len(n), index)
      found[number, ] <- c(cut, count_at(value[outside], event[outside], cut, is_high))
    }
    keep(paste(case, number, sep = "/"), found[number, ])
  }
  found <- as.data.frame(found[!is.na(found[, "cut"]), , drop = FALSE])
  measures <- list(
    sensitivity = cutpointr::sensitivity, specificity = cutpointr::specificity,
    ppv = cutpointr::ppv, npv = cutpointr::npv, youden = cutpointr::youden
  )
  outside <- lapply(measures, function(measure) {
    with(found, measure(tp = tp, fp = fp, tn = tn, fn = fn))
  })
  means <- sapply(outside, function(x) mean(x[is.finite(x)]))
  names(means) <- paste0("outside_", names(means))
  limits <- quantile(found$cut, c(0.025, 0.5, 0.975), names = FALSE)
  keep(case, c(means, cut_low = limits[1], cut_median = limits[2], cut_high = limits[3]))
}

write.csv(do.call(rbind, rows), file.path(target, "cutoffs_results.csv"), row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, drawn), file.path(target, "cutoffs_resamples.csv"), row.names = FALSE, quote = FALSE)
writeLines(
  c(R.version.string, paste("pROC", packageVersion("pROC")), paste("cutpointr", packageVersion("cutpointr"))),
  file.path(target, "cutoffs_versions.txt")
)
