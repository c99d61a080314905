# Writes r_results.csv (case, name, value) and r_versions.txt: the numbers that test_parity_with_r.py expects.
# Usage: Rscript make_parity.R [folder to write to]; reads cohort.csv beside this script. The tables and small
# samples are typed here and again in the test.

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

# Mann-Whitney
for (column in c("anc", "ferritin", "crp")) {
  x <- cohort[[column]][yes]
  y <- cohort[[column]][!yes]
  for (correct in c(TRUE, FALSE)) {
    test <- wilcox.test(x, y, exact = FALSE, correct = correct)
    case <- paste0("wilcox_", column, if (correct) "_continuity" else "_asymptotic")
    keep(case, statistic = unname(test$statistic), p_value = test$p.value)
  }
}
test <- wilcox.test(c(1.1, 2.2, 3.3, 9.7), c(4.4, 5.5, 6.6, 7.7, 8.8))
keep("wilcox_exact_small", statistic = unname(test$statistic), p_value = test$p.value)
test <- wilcox.test((1:49 * 37) %% 101, (50:97 * 37) %% 101 - (50:97 * 37) %% 101 * 0.3)
keep("wilcox_exact_49_48", statistic = unname(test$statistic), p_value = test$p.value)
test <- wilcox.test(1:49 + 0, 50:98 + 0)
keep("wilcox_exact_apart", statistic = unname(test$statistic), p_value = test$p.value)
test <- wilcox.test(1:50 + 0, 1:50 + 5.5)
keep("wilcox_50_is_not_exact", statistic = unname(test$statistic), p_value = test$p.value)

# Tables, row by row
tables <- list(
  "2x2" = rbind(c(33, 6), c(7, 14)),
  "2x2_zero" = rbind(c(0, 8), c(5, 3)),
  "2x2_large" = rbind(c(520, 480), c(455, 545)),
  "2x2_near" = rbind(c(10, 11), c(10, 10)),
  "3x2" = rbind(c(12, 3), c(8, 9), c(2, 7)),
  "4x3" = rbind(c(4, 2, 1), c(1, 6, 2), c(3, 3, 9), c(0, 2, 5)),
  "5x2" = rbind(c(9, 3), c(11, 4), c(5, 8), c(7, 6), c(2, 8)),
  "2x5" = rbind(c(1, 2, 3, 4, 5), c(6, 2, 4, 0, 1))
)
for (name in names(tables)) {
  test <- fisher.test(tables[[name]], workspace = 2e7)
  keep(paste0("fisher_", name), p_value = test$p.value)
  for (correct in c(TRUE, FALSE)) {
    test <- suppressWarnings(chisq.test(tables[[name]], correct = correct))
    case <- paste0("chisq_", name, if (correct) "_corrected" else "_plain")
    keep(case, statistic = unname(test$statistic), p_value = test$p.value)
  }
}

# One sample
for (column in c("anc", "hemoglobin", "ferritin", "crp")) {
  x <- cohort[[column]]
  test <- shapiro.test(x)
  keep(paste0("shapiro_", column), statistic = unname(test$statistic), p_value = test$p.value)
  test <- wilcox.test(x, mu = mean(x), exact = FALSE, correct = FALSE)
  keep(paste0("signed_rank_", column), statistic = unname(test$statistic), p_value = test$p.value)
}
test <- shapiro.test(c(2, 3, 7))
keep("shapiro_3", statistic = unname(test$statistic), p_value = test$p.value)
test <- shapiro.test(((1:5000) * 2654) %% 5003)
keep("shapiro_5000", statistic = unname(test$statistic), p_value = test$p.value)

# Logistic regression
models <- list(
  ferritin = event ~ ferritin,
  anc = event ~ anc,
  stage = event ~ factor(stage),
  multivariable = event ~ anc + hemoglobin + ferritin + factor(stage)
)
strict <- glm.control(epsilon = 1e-14, maxit = 100)
for (name in names(models)) {
  fit <- glm(models[[name]], family = binomial, data = cohort, control = strict)
  estimates <- coef(summary(fit))
  limits <- confint.default(fit)
  for (term in rownames(estimates)) {
    keep(
      paste("glm", name, gsub("[()]", "", term), sep = "_"),
      coefficient = estimates[term, 1], standard_error = estimates[term, 2], p_value = estimates[term, 4],
      odds_ratio = exp(estimates[term, 1]), low = exp(limits[term, 1]), high = exp(limits[term, 2])
    )
  }
  keep(paste0("glm_", name, "_fit"), log_likelihood = as.numeric(logLik(fit)))
}
narrow <- confint.default(glm(event ~ anc, family = binomial, data = cohort, control = strict), level = 0.9)
keep("glm_anc_90", low = exp(narrow[2, 1]), high = exp(narrow[2, 2]))

# ROC; "<": high values mean the event
directions <- c(anc = ">", hemoglobin = ">", ferritin = "<", crp = "<", stage = "<")
for (column in names(directions)) {
  curve <- roc(cohort$event, cohort[[column]], levels = c(0, 1), direction = directions[[column]], quiet = TRUE)
  limits <- ci.auc(curve, method = "delong")
  best <- coords(curve, "best", best.method = "youden", ret = c("threshold", "sensitivity", "specificity"))
  best <- best[order(-best$sensitivity, best$threshold), ][1, ]
  keep(
    paste0("roc_", column), auc = as.numeric(auc(curve)), standard_error = sqrt(var(curve, method = "delong")),
    low = limits[1], high = limits[3], cut = best$threshold, cut_sensitivity = best$sensitivity,
    cut_specificity = best$specificity
  )
}
against <- roc(cohort$event, cohort$anc, levels = c(0, 1), direction = "<", quiet = TRUE)
limits <- ci.auc(against, method = "delong", conf.level = 0.9)
keep("roc_anc_against_90", auc = as.numeric(auc(against)), low = limits[1], high = limits[3])

# Holm
adjusted <- p.adjust(c(0.01, NA, 0.04, 0.03, 0.005, 0.6), "holm")
keep("holm", first = adjusted[1], third = adjusted[3], fourth = adjusted[4], fifth = adjusted[5], sixth = adjusted[6])

write.csv(do.call(rbind, rows), file.path(target, "r_results.csv"), row.names = FALSE, quote = FALSE)
versions <- c(R.version.string, paste("pROC", packageVersion("pROC")))
writeLines(versions, file.path(target, "r_versions.txt"))
