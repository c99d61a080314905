"""The same grading on Apache Spark: patients divided over the cluster, one kernel on all of them."""

from cytopenia.spark.grades import SparkGrades, grade

__all__ = ["SparkGrades", "grade"]
