# Writes comparisons_results.csv (case, name, value) and comparisons_versions.txt: the numbers that
# test_parity_of_comparisons.py expects.
# Usage: Rscript make_comparisons.R [folder to write to]; reads cohort.csv beside this script. Small samples and
# tables are typed here and again in the test.

suppressPackageStartupMessages(library(pROC))

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", grep("^--file=", arguments, value = TRUE)))
trailing <- commandArgs(trailingOnly = TRUE)
target <- if (length(trailing)) trailing[1] else here

cohort <- read.csv(file.path(here, "cohort.csv"))
yes <- cohort$event == 1
rows <- list()
keep <- function(case, ...) {
  values <- c(...)
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}

# Two samples: shift, difference of means, rank-biserial. "tight" asks uniroot for more digits than it gives by
# itself; "printed" is what wilcox.test gives without being asked.
samples <- list(
  anc = list(cohort$anc[yes], cohort$anc[!yes]),
  hemoglobin = list(cohort$hemoglobin[yes], cohort$hemoglobin[!yes]),
  ferritin = list(cohort$ferritin[yes], cohort$ferritin[!yes]),
  crp = list(cohort$crp[yes], cohort$crp[!yes]),
  stage = list(cohort$stage[yes], cohort$stage[!yes]),
  small = list(c(1.1, 2.2, 3.3, 9.7), c(4.4, 5.5, 6.6, 7.7, 8.8)),
  depression = list(c(0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46), c(1.15, 0.88, 0.90, 0.74, 1.21)),
  apart = list(c(1, 2, 4, 8), c(20, 21, 25, 31, 40)),
  tied = list(c(1, 2, 2, 3, 3, 3, 5), c(2, 3, 3, 4, 5, 5, 6, 7)),
  pair = list(c(1.5, 2.5), c(3.25, 4.75)),
  flat = list(c(1, 2, 2, 3, 3, 4), c(1, 1, 1, 1, 1, 2)),
  long = list((1:60 * 37) %% 101 + 0.25, (1:55 * 53) %% 97)
)
for (name in names(samples)) {
  x <- samples[[name]][[1]]
  y <- samples[[name]][[2]]
  for (correct in c(TRUE, FALSE)) {
    for (tol in c(1e-13, 1e-4)) {
      for (exact in if (correct) list(NULL) else list(FALSE)) {
        test <- suppressWarnings(
          wilcox.test(x, y, conf.int = TRUE, exact = exact, correct = correct, tol.root = tol)
        )
        case <- paste("shift", name, if (correct) "r" else "plain", if (tol < 1e-9) "tight" else "printed", sep = "_")
        keep(case, value = unname(test$estimate), low = test$conf.int[1], high = test$conf.int[2])
      }
    }
  }
  test <- suppressWarnings(wilcox.test(x, y, conf.int = TRUE, conf.level = 0.9, tol.root = 1e-13))
  keep(paste0("shift_", name, "_r90_tight"), low = test$conf.int[1], high = test$conf.int[2])
  test <- t.test(x, y)
  keep(
    paste0("welch_", name), value = unname(diff(rev(test$estimate))), low = test$conf.int[1],
    high = test$conf.int[2]
  )
  keep(paste0("welch_test_", name), statistic = unname(test$statistic), p_value = test$p.value)
  marks <- rep(c(1, 0), c(length(x), length(y)))
  curve <- roc(marks, c(x, y), levels = c(0, 1), direction = "<", quiet = TRUE)
  limits <- suppressWarnings(ci.auc(curve, method = "delong"))
  keep(
    paste0("biserial_delong_", name), value = 2 * as.numeric(auc(curve)) - 1, low = 2 * limits[1] - 1,
    high = 2 * limits[3] - 1
  )
  # Newcombe's method 5: the variance of Hanley and McNeil with both sizes replaced by their mean, inverted.
  area <- as.numeric(auc(curve))
  spare <- (length(x) + length(y)) / 2 - 1
  excess <- function(a) {
    (area - a)^2 - qnorm(0.975)^2 * a * (1 - a) * (1 + spare * (1 - a) / (2 - a) + spare * a / (1 + a)) /
      (length(x) * length(y))
  }
  # At 0 and 1 the variance is 0: a root that is no limit, kept out.
  inside <- 1e-9
  low <- if (area > 0) uniroot(excess, c(inside, min(area, 1 - inside)), tol = 1e-14)$root else 0
  high <- if (area < 1) uniroot(excess, c(max(area, inside), 1 - inside), tol = 1e-14)$root else 1
  keep(paste0("biserial_newcombe_", name), value = 2 * area - 1, low = 2 * low - 1, high = 2 * high - 1)
}

# Tables of two by two, row by row: those with and without the event in the first and in the second group
tables <- list(
  plain = rbind(c(33, 6), c(7, 14)),
  near = rbind(c(10, 11), c(10, 10)),
  perondi = rbind(c(7, 27), c(1, 33)),
  lampasona = rbind(c(9, 4), c(4, 10)),
  ritland = rbind(c(0, 16), c(15, 57)),
  none_below = rbind(c(15, 57), c(0, 16)),
  all_above = rbind(c(5, 0), c(3, 6)),
  all_below = rbind(c(3, 6), c(5, 0)),
  all_everywhere = rbind(c(5, 0), c(9, 0)),
  nobody = rbind(c(0, 5), c(0, 7)),
  apart = rbind(c(9, 0), c(0, 4)),
  tea = rbind(c(3, 1), c(1, 3)),
  large = rbind(c(520, 480), c(455, 545)),
  koopman = rbind(c(36, 4), c(16, 64))
)
wilson <- function(x, n) prop.test(x, n, correct = FALSE)$conf.int
score <- function(ratio, x1, n1, x2, n2) {
  # The chance of the second group, given that the first has `ratio` times as much
  a <- (n1 + n2) * ratio
  b <- n1 * ratio + x1 + n2 + x2 * ratio
  p2 <- min((b - sqrt(max(b^2 - 4 * a * (x1 + x2), 0))) / (2 * a), 1, 1 / ratio)
  p1 <- ratio * p2
  (x1 / n1 - ratio * x2 / n2) / sqrt(max(p1 * (1 - p1) / n1 + ratio^2 * p2 * (1 - p2) / n2, 0))
}
for (name in names(tables)) {
  table <- tables[[name]]
  n <- rowSums(table)
  x <- table[, 1]
  risk <- x / n
  first <- suppressWarnings(wilson(x[1], n[1]))
  second <- suppressWarnings(wilson(x[2], n[2]))
  keep(
    paste0("difference_", name), value = risk[1] - risk[2],
    low = risk[1] - risk[2] - sqrt((risk[1] - first[1])^2 + (second[2] - risk[2])^2),
    high = risk[1] - risk[2] + sqrt((first[2] - risk[1])^2 + (risk[2] - second[1])^2)
  )
  far <- function(log_ratio, z) score(exp(log_ratio), x[1], n[1], x[2], n[2]) - z
  if (x[1] > 0) {
    keep(paste0("ratio_", name), low = exp(uniroot(far, c(-12, 12), z = qnorm(0.975), tol = 1e-14)$root))
  }
  if (x[2] > 0) {
    high <- exp(uniroot(far, c(-12, 12), z = qnorm(0.025), tol = 1e-14)$root)
    keep(paste0("ratio_", name), value = risk[1] / risk[2], high = high)
  }
  if (min(colSums(table)) == 0) next
  test <- fisher.test(table)
  printed <- c(value = unname(test$estimate), low = test$conf.int[1], high = test$conf.int[2])
  keep(paste0("odds_printed_", name), printed[is.finite(printed)])
  # The same equations as in fisher.test and their mid-P forms, solved to more digits on the log scale
  support <- max(0, sum(table[1, ]) - sum(table[, 2])):min(sum(table[1, ]), sum(table[, 1]))
  chances <- dhyper(support, sum(table[, 1]), sum(table[, 2]), sum(table[1, ]), log = TRUE)
  at <- function(log_odds) {
    weights <- chances + log_odds * support
    weights <- exp(weights - max(weights))
    weights / sum(weights)
  }
  solve_for <- function(f) exp(uniroot(f, c(-30, 30), tol = 1e-14)$root)
  seen <- table[1, 1]
  if (seen > min(support)) {
    keep(
      paste0("odds_exact_", name),
      low = solve_for(function(t) sum(at(t)[support >= seen]) - 0.025)
    )
    keep(
      paste0("odds_mid_p_", name),
      low = solve_for(function(t) sum(at(t)[support > seen]) + at(t)[support == seen] / 2 - 0.025)
    )
  }
  if (seen < max(support)) {
    keep(
      paste0("odds_exact_", name),
      high = solve_for(function(t) sum(at(t)[support <= seen]) - 0.025)
    )
    keep(
      paste0("odds_mid_p_", name),
      high = solve_for(function(t) sum(at(t)[support < seen]) + at(t)[support == seen] / 2 - 0.025)
    )
  }
  if (seen > min(support) && seen < max(support)) {
    keep(paste0("odds_exact_", name), value = solve_for(function(t) sum(at(t) * support) - seen))
  }
  plain <- exp(chances)
  observed <- plain[support == seen]
  equal <- abs(plain / observed - 1) < 1e-7
  keep(paste0("mid_p_", name), p_value = sum(plain[plain < observed & !equal]) + sum(plain[equal]) / 2)
}

# Trend over ordered levels: those with the event, and all, of each level
trends <- list(
  smokers = list(c(83, 90, 129, 70), c(86, 93, 136, 82), 1:4),
  scores = list(c(83, 90, 129, 70), c(86, 93, 136, 82), c(0, 0, 1, 2)),
  crs = list(c(1, 13, 1), c(19, 40, 4), 1:3),
  two = list(c(33, 7), c(39, 21), 1:2),
  empty_level = list(c(2, 5, 9), c(20, 18, 17), c(1, 3, 4))
)
for (name in names(trends)) {
  test <- suppressWarnings(do.call(prop.trend.test, trends[[name]]))
  keep(paste0("trend_", name), statistic = unname(test$statistic), p_value = test$p.value)
}

# A number over several levels; with levels in order it is Kendall's test of the number and the level
groups <- list(
  anc = list(cohort$anc, cohort$stage),
  ferritin = list(cohort$ferritin, cohort$stage),
  hemoglobin = list(cohort$hemoglobin, cohort$stage),
  small = list(c(2.9, 3.0, 2.5, 2.6, 3.2, 3.8, 2.7, 4.0, 2.4, 2.8, 3.4, 3.7, 2.2, 2.0), rep(1:3, c(5, 4, 5)))
)
for (name in names(groups)) {
  value <- groups[[name]][[1]]
  level <- groups[[name]][[2]]
  test <- kruskal.test(value, level)
  keep(paste0("kruskal_", name), statistic = unname(test$statistic), p_value = test$p.value)
  test <- suppressWarnings(cor.test(value, level, method = "kendall", exact = FALSE))
  keep(paste0("ordered_", name), statistic = unname(test$statistic), p_value = test$p.value)
}

p_values <- c(0.01, NA, 0.04, 0.03, 0.005, 0.6, 0.04, 1)
for (method in c("holm", "BH")) {
  adjusted <- p.adjust(p_values, method)
  names(adjusted) <- seq_along(adjusted)
  keep(paste0("adjust_", tolower(method)), adjusted[!is.na(adjusted)])
}

write.csv(do.call(rbind, rows), file.path(target, "comparisons_results.csv"), row.names = FALSE, quote = FALSE)
versions <- c(R.version.string, paste("pROC", packageVersion("pROC")))
writeLines(versions, file.path(target, "comparisons_versions.txt"))
