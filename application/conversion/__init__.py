"""Conversion: codes that are sent and entered, counted by all processes, and the choice by them."""
