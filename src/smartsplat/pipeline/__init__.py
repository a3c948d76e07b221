"""The whole job: from a picture and a target to a file."""
