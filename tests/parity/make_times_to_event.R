# Writes times_to_event_results.csv (case, name, value) and times_to_event_versions.txt: the numbers that
# test_parity_of_times_to_event.py expects. Usage: Rscript make_times_to_event.R [folder to write to]; reads
# times_to_event.csv beside this script. The two smallest samples are typed here and again in the test.

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
  if (length(values)) {
    rows[[length(rows) + 1]] <<- data.frame(case = case, name = names(values), value = sprintf("%.17g", values))
  }
}

all <- read.csv(file.path(here, "times_to_event.csv"))
curves <- list(
  half = data.frame(time = c(1, 2, 3, 4), event = c(1, 1, 1, 1)),
  flat = data.frame(time = c(2, 2, 5, 7, 7, 9), event = c(1, 0, 1, 0, 0, 0)),
  zero = data.frame(time = c(0, 0, 3, 3), event = c(1, 0, 1, 0)),
  open = data.frame(time = c(1, 5), event = c(1, 0))
)
for (name in unique(all$sample)) {
  of_sample <- all[all$sample == name, ]
  curves[[name]] <- of_sample
  for (group in unique(of_sample$group)) curves[[paste(name, group)]] <- of_sample[of_sample$group == group, ]
}

for (name in names(curves)) {
  data <- curves[[name]]
  data$status <- as.integer(data$event == 1)
  for (type in c("log-log", "log")) {
    fit <- survfit(Surv(time, status) ~ 1, data = data, conf.type = type)
    label <- sub("-", "_", type)
    table <- summary(fit)$table
    keep(paste("median", label, name, sep = "|"), median = table[["median"]], low = table[["0.95LCL"]],
      high = table[["0.95UCL"]])
    quarters <- quantile(fit, c(0.25, 0.75))
    keep(paste("quartiles", label, name, sep = "|"), q1 = quarters$quantile[[1]], q3 = quarters$quantile[[2]])
    for (time in unique(round(quantile(data$time, c(0.1, 0.4, 0.7, 0.95), type = 1), 4))) {
      at <- summary(fit, times = time)
      keep(paste("curve", label, name, time, sep = "|"), estimate = at$surv, standard_error = at$std.err,
        low = at$lower, high = at$upper, at_risk = at$n.risk)
    }
  }
  reverse <- survfit(Surv(time, 1 - status) ~ 1, data = data, conf.type = "log-log")
  table <- summary(reverse)$table
  keep(paste("follow_up", name, sep = "|"), median = table[["median"]], low = table[["0.95LCL"]],
    high = table[["0.95UCL"]])
  until <- max(data$time) * 0.8
  table <- summary(survfit(Surv(time, status) ~ 1, data = data), rmean = until)$table
  mean <- table[[grep("^\\*?rmean", names(table))]]
  error <- table[[grep("se\\(rmean\\)", names(table))]]
  keep(paste("restricted_mean", name, sep = "|"), estimate = mean, standard_error = error, until = until)
}

fit_cox <- function(case, formula, data, ties = "efron") {
  fit <- coxph(formula, data = data, ties = ties, control = coxph.control(eps = 1e-12, toler.chol = 1e-14,
    iter.max = 50))
  found <- summary(fit)$coefficients
  limits <- confint(fit)
  for (place in seq_len(nrow(found))) {
    keep(paste("cox_term", case, place, sep = "|"), coefficient = found[place, 1], standard_error = found[place, 3],
      p_value = found[place, 5], low = exp(limits[place, 1]), high = exp(limits[place, 2]))
  }
  ratio <- summary(fit)$logtest
  keep(paste("cox_fit", case, sep = "|"), log_likelihood = fit$loglik[2], null_log_likelihood = fit$loglik[1],
    likelihood_ratio = ratio[["test"]], likelihood_ratio_p = ratio[["pvalue"]],
    wald = summary(fit)$waldtest[["test"]] * 0 + unname(drop(t(coef(fit)) %*% solve(vcov(fit)) %*% coef(fit))),
    concordance = unname(concordance(fit)$concordance), concordance_se = unname(sqrt(concordance(fit)$var)))
  zph <- cox.zph(fit, transform = "km")$table
  for (place in seq_len(nrow(zph))) {
    term <- if (place == nrow(zph)) "global" else place
    keep(paste("zph", case, term, sep = "|"), statistic = zph[place, 1], p_value = zph[place, 3])
  }
}

for (name in unique(all$sample)) {
  data <- all[all$sample == name, ]
  data$status <- as.integer(data$event == 1)
  data$group <- factor(data$group, sort(unique(data$group)))
  test <- survdiff(Surv(time, status) ~ group, data = data)
  keep(paste("log_rank", name, sep = "|"), statistic = test$chisq,
    p_value = pchisq(test$chisq, length(test$n) - 1, lower.tail = FALSE),
    setNames(test$exp, paste0("expected_", seq_along(test$exp))),
    setNames(test$obs, paste0("observed_", seq_along(test$obs))))
  levels <- levels(data$group)
  for (level in levels[-1]) data[[paste0("is_", match(level, levels))]] <- as.integer(data$group == level)
  marks <- paste0("is_", seq_along(levels)[-1])
  fit_cox(paste(name, "group"), reformulate(marks, "Surv(time, status)"), data)
  fit_cox(paste(name, "number"), Surv(time, status) ~ x1, data)
  fit_cox(paste(name, "all"), reformulate(c(marks, "x1", "x2"), "Surv(time, status)"), data)
  # A factor of several levels is one term of the check.
  zph <- cox.zph(coxph(Surv(time, status) ~ group + x1, data = data), transform = "km")$table
  keep(paste("zph", paste(name, "factor"), "group", sep = "|"), statistic = zph["group", 1],
    df = zph["group", 2], p_value = zph["group", 3])
  fit <- coxph(reformulate(c(marks, "x1"), "Surv(time, status)"), data = data, ties = "breslow")
  keep(paste("breslow", name, sep = "|"), setNames(coef(fit), paste0("coefficient_", seq_along(coef(fit)))))
  if (any(data$event == 2)) {
    gray <- cuminc(data$time, data$event, data$group, cencode = 0)$Tests
    for (kind in rownames(gray)) {
      keep(paste("gray", name, kind, sep = "|"), statistic = gray[kind, "stat"], p_value = gray[kind, "pv"])
    }
    for (kind in 1:2) {
      design <- as.matrix(data[c(marks, "x1", "x2")])
      for (columns in c("group", "all")) {
        chosen <- if (columns == "group") design[, marks, drop = FALSE] else design
        fit <- crr(data$time, data$event, chosen, failcode = kind, cencode = 0, gtol = 1e-13, maxiter = 60)
        for (place in seq_along(fit$coef)) {
          keep(paste("fine_gray_term", name, kind, columns, place, sep = "|"), coefficient = fit$coef[[place]],
            standard_error = sqrt(fit$var[place, place]))
        }
        keep(paste("fine_gray_fit", name, kind, columns, sep = "|"), log_likelihood = fit$loglik,
          null_log_likelihood = fit$loglik.null)
      }
    }
  }
}

write.csv(do.call(rbind, rows), file.path(target, "times_to_event_results.csv"), row.names = FALSE, quote = FALSE)
versions <- c(R.version.string, paste("survival", packageVersion("survival")), paste("cmprsk", packageVersion("cmprsk")))
writeLines(versions, file.path(target, "times_to_event_versions.txt"))
