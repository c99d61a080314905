# The P values that programs give of the same data by their usual way: Rscript make_conventions.R [target folder].
# Of R they are what its functions return when nothing else is asked of them. What SPSS prints is computed
# here from its published formulas, not by SPSS. The data are typed here or are made up (cohort.csv).
# Writes conventions_results.csv (case, name, value) and conventions_versions.txt.

arguments <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("^--file=", "", arguments[grep("^--file=", arguments)]))
given <- commandArgs(trailingOnly = TRUE)
target <- if (length(given)) given[1] else here
rows <- list()
keep <- function(case, ...) {
  values <- c(...)
  rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
}

# Tables row by row, with and without the event; "crs" is thrombocytopenia by the grade of CRS in Qiu et al. 2023
tables <- list(
  crs = rbind(c(1, 18), c(13, 27), c(1, 3)),
  plain = rbind(c(33, 6), c(7, 14)),
  near = rbind(c(10, 11), c(10, 10)),
  border = rbind(c(12, 8), c(5, 14)),
  perondi = rbind(c(7, 27), c(1, 33)),
  lampasona = rbind(c(9, 4), c(4, 10)),
  none = rbind(c(0, 16), c(15, 57)),
  tea = rbind(c(3, 1), c(1, 3)),
  large = rbind(c(520, 480), c(455, 545)),
  three = rbind(c(20, 30), c(15, 35), c(30, 20)),
  four = rbind(c(2, 9), c(6, 8), c(9, 7), c(4, 3))
)
for (name in names(tables)) {
  table <- tables[[name]]
  warned <- suppressWarnings(chisq.test(table))
  plain <- suppressWarnings(chisq.test(table, correct = FALSE))
  expected <- plain$expected
  ratio <- 2 * sum(ifelse(table > 0, table * log(table / expected), 0))
  n <- sum(table)
  level <- rep(rep(seq_len(nrow(table)), 2), c(table))
  event <- rep(c(1, 0), colSums(table))
  linear <- (n - 1) * cor(level, event)^2
  keep(
    paste0("counts_", name),
    r_chisq_test = warned$p.value,
    r_fisher_test = fisher.test(table)$p.value,
    chi_squared = plain$p.value,
    likelihood_ratio_chi_squared = pchisq(ratio, nrow(table) - 1, lower.tail = FALSE),
    linear_by_linear = pchisq(linear, 1, lower.tail = FALSE)
  )
  if (nrow(table) > 2) {
    keep(paste0("counts_", name), r_prop_trend_test = suppressWarnings(
      prop.trend.test(table[, 1], rowSums(table))$p.value
    ))
  }
  frame <- data.frame(event = event, level = factor(level))
  if (all(table > 0)) {
    fit <- glm(event ~ level, binomial, frame, control = glm.control(epsilon = 1e-14, maxit = 100))
    beta <- coef(fit)[-1]
    wald <- drop(beta %*% solve(vcov(fit)[-1, -1], beta))
    keep(
      paste0("model_", name),
      wald = pchisq(wald, length(beta), lower.tail = FALSE),
      likelihood_ratio = anova(fit, test = "Chisq")$"Pr(>Chi)"[2]
    )
  }
}

cohort <- read.csv(file.path(here, "cohort.csv"))
samples <- list(
  small = list(c(1.1, 2.2, 3.3, 9.7), c(4.4, 5.5, 6.6, 7.7, 8.8)),
  tied = list(c(1, 2, 2, 3, 3, 3, 5), c(2, 3, 3, 4, 5, 5, 6, 7)),
  nine = list(c(1.1, 2.3, 3.2, 4.8, 5.1, 6.7, 7.4, 8.9, 9.3), c(5.6, 6.1, 7.2, 8.3, 9.9, 10.4, 11.8, 12.5, 13.6)),
  few = list(c(3.5, 4.5, 20.5), (1:45) / 10 + 5.03),
  depression = list(
    c(0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46), c(1.15, 0.88, 0.90, 0.74, 1.21)
  ),
  anc = list(cohort$anc[cohort$event == 1], cohort$anc[cohort$event == 0]),
  crp = list(cohort$crp[cohort$event == 1], cohort$crp[cohort$event == 0])
)
for (name in names(samples)) {
  one <- samples[[name]][[1]]
  two <- samples[[name]][[2]]
  test <- suppressWarnings(wilcox.test(one, two))
  plain <- suppressWarnings(wilcox.test(one, two, exact = FALSE, correct = FALSE))
  u <- min(unname(test$statistic), length(one) * length(two) - unname(test$statistic))
  keep(
    paste0("numbers_", name),
    r_wilcox_test = test$p.value,
    mann_whitney_asymptotic = plain$p.value,
    welch_t = t.test(one, two)$p.value,
    student_t = t.test(one, two, var.equal = TRUE)$p.value
  )
  if (u == floor(u)) {
    keep(paste0("numbers_", name), exact_untied = min(1, 2 * pwilcox(u, length(one), length(two))))
  }
}

# One model of several terms, each of them tested as programs do: the summary of glm (Wald), leaving it out
# (likelihood ratio), and the profile of the penalized likelihood, written out here, as logistf has it: the term is
# held at zero, the penalty is that of all columns.
penalize <- function(design, event, free, start) {
  value <- function(weights) {
    beta <- numeric(ncol(design))
    beta[free] <- weights
    eta <- drop(design %*% beta)
    spread <- plogis(eta) * plogis(-eta)
    information <- crossprod(design * sqrt(spread))
    -(sum(plogis(eta[event == 1], log.p = TRUE)) + sum(plogis(-eta[event == 0], log.p = TRUE)) +
      determinant(information)$modulus[1] / 2)
  }
  found <- optim(start[free], value, method = "BFGS", control = list(reltol = 1e-15, maxit = 5000))
  optim(found$par, value, method = "BFGS", control = list(reltol = 1e-15, maxit = 5000))
}
models <- list(
  joint = model.matrix(~ anc + log2(ferritin) + factor(stage), cohort),
  two = model.matrix(~ hemoglobin + log2(crp), cohort)
)
for (name in names(models)) {
  design <- models[[name]]
  short <- c("intercept", c(
    "anc", "ferritin", "hemoglobin", "crp", "stage2", "stage3", "stage4"
  )[match(colnames(design)[-1], c(
    "anc", "log2(ferritin)", "hemoglobin", "log2(crp)", "factor(stage)2", "factor(stage)3", "factor(stage)4"
  ))])
  colnames(design) <- short
  event <- cohort$event
  tight <- glm.control(epsilon = 1e-14, maxit = 100)
  fit <- glm(event ~ 0 + design, binomial, control = tight)
  table <- coef(summary(fit))
  # Standardized columns let optim find the top to many digits; intervals and P do not change.
  scaled <- cbind(1, scale(design[, -1]))
  top <- penalize(scaled, event, seq_len(ncol(scaled)), numeric(ncol(scaled)))
  for (place in 2:ncol(design)) {
    less <- glm(event ~ 0 + design[, -place], binomial, control = tight)
    zero <- penalize(scaled, event, setdiff(seq_len(ncol(scaled)), place), c(top$par[1:ncol(scaled)]))
    keep(
      paste0("multivariable_", name, "_", short[place]),
      odds_ratio = exp(table[place, 1]),
      wald = table[place, 4],
      wald_low = exp(table[place, 1] - qnorm(0.975) * table[place, 2]),
      wald_high = exp(table[place, 1] + qnorm(0.975) * table[place, 2]),
      likelihood_ratio = pchisq(deviance(less) - deviance(fit), 1, lower.tail = FALSE),
      penalized_likelihood_ratio = pchisq(2 * (zero$value - top$value), 1, lower.tail = FALSE)
    )
  }
  profile <- suppressMessages(exp(confint(fit)))
  for (place in 2:ncol(design)) {
    keep(
      paste0("multivariable_", name, "_", short[place]),
      profile_low = profile[place, 1], profile_high = profile[place, 2]
    )
  }
}

write.csv(do.call(rbind, rows), file.path(target, "conventions_results.csv"), row.names = FALSE, quote = FALSE)
writeLines(R.version.string, file.path(target, "conventions_versions.txt"))
